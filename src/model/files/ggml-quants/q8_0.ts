import { timesF16, u16, type BlockFormat } from './block-format.ts';

/** f16 d, 32 signed bytes: w = d·q → int8 with bytes q + 128, scale d, min -128·d. Exact. */
export const q8_0: BlockFormat = {
  name: 'Q8_0',
  id: 8,
  blockSize: 32,
  blockBytes: 34,
  format: 'int8',
  groupSize: 32,
  decode: (bytes, at, out, block) => {
    out.scale[block] = u16(bytes, at);
    out.min[block] = timesF16(out.scale[block], -128);
    // Adding 128 to a signed byte is flipping the top bit of its pattern.
    for (let i = 0; i < 32; i++) out.q[block * 32 + i] = bytes[at + 2 + i] ^ 0x80;
  },
};
