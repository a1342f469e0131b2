import { decodeSixBitScales, type BlockFormat } from './block-format.ts';

/**
 * As Q4_K with 32 bytes of fifth bits before the nibbles (bit g of byte i belongs to element i of group g) → int8.
 * scale and min are rounded to f16: |error| ≤ 2⁻¹¹·(31·|scale| + |min|).
 */
export const q5_k: BlockFormat = {
  name: 'Q5_K',
  id: 13,
  blockSize: 256,
  blockBytes: 176,
  format: 'int8',
  groupSize: 32,
  decode: (bytes, at, out, block) => {
    decodeSixBitScales(bytes, at, out, block * 8);
    const high = at + 16;
    const nibbles = at + 48;
    for (let group = 0; group < 8; group++) {
      const from = nibbles + (group >> 1) * 32;
      const shift = 4 * (group & 1);
      const to = block * 256 + group * 32;
      for (let i = 0; i < 32; i++)
        out.q[to + i] = ((bytes[from + i] >> shift) & 15) | (((bytes[high + i] >> group) & 1) << 4);
    }
  },
};
