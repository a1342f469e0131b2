import { scaleAround, type BlockFormat } from './block-format.ts';
import { CODEBOOK_ZERO, doubledE2M1, lookUpNibbles } from './codebook.ts';

/**
 * A byte e, 16 bytes of nibbles: w = 2^(e - 128)·values[q] → int8, min -128·scale. Exact where f16 holds the scale: powers of
 * two from 2⁻²⁴ (what is smaller becomes 0: |error| ≤ 12·2⁻²⁵) up to 2⁸, beyond which the min overflows and the tensor is refused.
 */
export const mxfp4: BlockFormat = {
  name: 'MXFP4',
  id: 39,
  blockSize: 32,
  blockBytes: 17,
  format: 'int8',
  groupSize: 32,
  decode: (bytes, at, out, block) => {
    scaleAround(CODEBOOK_ZERO, 2 ** (bytes[at] - 128), out, block);
    lookUpNibbles(doubledE2M1, bytes, at + 1, 16, out.q, block * 32);
  },
};
