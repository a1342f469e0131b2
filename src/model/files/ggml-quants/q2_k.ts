import { f32ToF16 } from '../../../tensor/f16.ts';
import { half, unpackPairs, type BlockFormat } from './block-format.ts';

/**
 * 16 bytes of scales (low nibble sc, high m), 64 bytes of two-bit codes, f16 d and dmin; sixteen groups of 16:
 * w = d·sc·q - dmin·m → int8 in groups of 16. scale and min are rounded to f16: |error| ≤ 2⁻¹¹·(3·|scale| + |min|).
 */
export const q2_k: BlockFormat = {
  name: 'Q2_K',
  id: 10,
  blockSize: 256,
  blockBytes: 84,
  format: 'int8',
  groupSize: 16,
  decode: (bytes, at, out, block) => {
    const d = half(bytes, at + 80);
    const dmin = half(bytes, at + 82);
    for (let group = 0; group < 16; group++) {
      out.scale[block * 16 + group] = f32ToF16(d * (bytes[at + group] & 15));
      out.min[block * 16 + group] = f32ToF16(-dmin * (bytes[at + group] >> 4));
    }
    unpackPairs(bytes, at + 16, out.q, block * 256);
  },
};
