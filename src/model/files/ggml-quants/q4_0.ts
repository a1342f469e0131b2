import { repackNibbles, timesF16, u16, type BlockFormat } from './block-format.ts';

/** f16 d, 16 bytes of nibbles: w = d·(q - 8) → int4, scale d, min -8·d. Exact. */
export const q4_0: BlockFormat = {
  name: 'Q4_0',
  id: 2,
  blockSize: 32,
  blockBytes: 18,
  format: 'int4',
  groupSize: 32,
  decode: (bytes, at, out, block) => {
    out.scale[block] = u16(bytes, at);
    out.min[block] = timesF16(out.scale[block], -8);
    repackNibbles(bytes, at + 2, 16, out.q, block * 16);
  },
};
