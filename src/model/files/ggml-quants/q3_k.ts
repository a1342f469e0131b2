import { half, nibble, scaleAround, unpackPairs, type BlockFormat } from './block-format.ts';

/**
 * 32 bytes of third bits, 64 bytes of two-bit codes, 12 bytes of six-bit scales, f16 d; sixteen groups of 16:
 * w = d·(sc - 32)·(q - 4) → int8 in groups of 16, min -4·scale. scale is rounded to f16: |error| ≤ 2⁻¹¹·|w|.
 */
export const q3_k: BlockFormat = {
  name: 'Q3_K',
  id: 11,
  blockSize: 256,
  blockBytes: 110,
  format: 'int8',
  groupSize: 16,
  decode: (bytes, at, out, block) => {
    const d = half(bytes, at + 108);
    const scales = at + 96;
    for (let group = 0; group < 16; group++) {
      // Groups 0–7 have their low four bits in the low nibbles of eight bytes, 8–15 in the high ones; four bytes more hold
      // the upper pairs of groups 0–3 in their bits 0 and 1, of groups 4–7 in bits 2 and 3, and so on.
      const low = nibble(bytes, scales + (group & 7), group >> 3);
      const high = (bytes[scales + 8 + (group & 3)] >> (2 * (group >> 2))) & 3;
      scaleAround(4, d * ((low | (high << 4)) - 32), out, block * 16 + group);
    }
    const to = block * 256;
    unpackPairs(bytes, at + 32, out.q, to);
    // Bit r of byte i belongs to element i of run r of 32.
    for (let i = 0; i < 256; i++) out.q[to + i] |= ((bytes[at + (i & 31)] >> (i >> 5)) & 1) << 2;
  },
};
