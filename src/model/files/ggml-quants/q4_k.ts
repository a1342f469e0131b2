import { decodeSixBitScales, repackNibbles, type BlockFormat } from './block-format.ts';

/**
 * f16 d and dmin, 12 bytes of six-bit scales, 128 bytes of nibbles; eight groups of 32: w = d·sc·q - dmin·m → int4.
 * scale and min are rounded to f16: |error| ≤ 2⁻¹¹·(15·|scale| + |min|).
 */
export const q4_k: BlockFormat = {
  name: 'Q4_K',
  id: 12,
  blockSize: 256,
  blockBytes: 144,
  format: 'int4',
  groupSize: 32,
  decode: (bytes, at, out, block) => {
    decodeSixBitScales(bytes, at, out, block * 8);
    // 32 bytes hold two groups: one in the low nibbles, the next in the high ones.
    for (let pair = 0; pair < 4; pair++) repackNibbles(bytes, at + 16 + pair * 32, 32, out.q, block * 128 + pair * 32);
  },
};
