import { repeatScale, u16, type BlockFormat } from './block-format.ts';
import { CODEBOOK_ZERO, lookUpNibbles, nonLinear } from './codebook.ts';

/** f16 d, 16 bytes of nibbles: w = d·values[q] → int8, scale d, min -128·d. Exact. */
export const iq4_nl: BlockFormat = {
  name: 'IQ4_NL',
  id: 20,
  blockSize: 32,
  blockBytes: 18,
  format: 'int8',
  groupSize: 32,
  decode: (bytes, at, out, block) => {
    repeatScale(u16(bytes, at), CODEBOOK_ZERO, out, block, 1);
    lookUpNibbles(nonLinear, bytes, at + 2, 16, out.q, block * 32);
  },
};
