import { u16, u32, unpackFiveBits, type BlockFormat } from './block-format.ts';

/** f16 d, f16 m, u32 of fifth bits, 16 bytes of nibbles: w = d·q + m → int8 as it is. Exact. */
export const q5_1: BlockFormat = {
  name: 'Q5_1',
  id: 7,
  blockSize: 32,
  blockBytes: 24,
  format: 'int8',
  groupSize: 32,
  decode: (bytes, at, out, block) => {
    out.scale[block] = u16(bytes, at);
    out.min[block] = u16(bytes, at + 2);
    unpackFiveBits(bytes, at + 8, u32(bytes, at + 4), out.q, block * 32);
  },
};
