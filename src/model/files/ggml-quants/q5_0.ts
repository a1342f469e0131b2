import { timesF16, u16, u32, unpackFiveBits, type BlockFormat } from './block-format.ts';

/** f16 d, u32 of fifth bits, 16 bytes of nibbles: w = d·(q - 16) → int8, scale d, min -16·d. Exact. */
export const q5_0: BlockFormat = {
  name: 'Q5_0',
  id: 6,
  blockSize: 32,
  blockBytes: 22,
  format: 'int8',
  groupSize: 32,
  decode: (bytes, at, out, block) => {
    out.scale[block] = u16(bytes, at);
    out.min[block] = timesF16(out.scale[block], -16);
    unpackFiveBits(bytes, at + 6, u32(bytes, at + 2), out.q, block * 32);
  },
};
