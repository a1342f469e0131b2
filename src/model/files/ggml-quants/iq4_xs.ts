import { half, nibble, scaleAround, u16, type BlockFormat } from './block-format.ts';
import { CODEBOOK_ZERO, lookUpNibbles, nonLinear } from './codebook.ts';

/**
 * f16 d, u16 of upper pairs and 4 bytes of low nibbles of six-bit scales, 128 bytes of nibbles; eight groups of 32:
 * w = d·(sc - 32)·values[q] → int8, min -128·scale. scale is rounded to f16: |error| ≤ 2⁻¹¹·|w|.
 */
export const iq4_xs: BlockFormat = {
  name: 'IQ4_XS',
  id: 23,
  blockSize: 256,
  blockBytes: 136,
  format: 'int8',
  groupSize: 32,
  decode: (bytes, at, out, block) => {
    const d = half(bytes, at);
    const high = u16(bytes, at + 2);
    for (let group = 0; group < 8; group++) {
      const sc = nibble(bytes, at + 4, group) | (((high >> (2 * group)) & 3) << 4);
      scaleAround(CODEBOOK_ZERO, d * (sc - 32), out, block * 8 + group);
      lookUpNibbles(nonLinear, bytes, at + 8 + group * 16, 16, out.q, block * 256 + group * 32);
    }
  },
};
