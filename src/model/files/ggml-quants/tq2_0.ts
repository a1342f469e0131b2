import { packCodes, repeatScale, u16, unpackPairs, type BlockFormat } from './block-format.ts';

const codes = new Uint8Array(256);

/** 64 bytes of two-bit codes, f16 d: w = d·(q - 1) → int4, scale d, min -d. Exact. */
export const tq2_0: BlockFormat = {
  name: 'TQ2_0',
  id: 35,
  blockSize: 256,
  blockBytes: 66,
  format: 'int4',
  groupSize: 32,
  decode: (bytes, at, out, block) => {
    repeatScale(u16(bytes, at + 64), 1, out, block * 8, 8);
    unpackPairs(bytes, at, codes, 0);
    packCodes(codes, out.q, block * 128);
  },
};
