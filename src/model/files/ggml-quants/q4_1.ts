import { repackNibbles, u16, type BlockFormat } from './block-format.ts';

/** f16 d, f16 m, 16 bytes of nibbles: w = d·q + m → int4 as it is. Exact. */
export const q4_1: BlockFormat = {
  name: 'Q4_1',
  id: 3,
  blockSize: 32,
  blockBytes: 20,
  format: 'int4',
  groupSize: 32,
  decode: (bytes, at, out, block) => {
    out.scale[block] = u16(bytes, at);
    out.min[block] = u16(bytes, at + 2);
    repackNibbles(bytes, at + 4, 16, out.q, block * 16);
  },
};
