import { half, i8, scaleAround, type BlockFormat } from './block-format.ts';

/**
 * 128 bytes of nibbles, 64 bytes of upper bit pairs, 16 signed scales, f16 d; sixteen groups of 16: w = d·sc·(q - 32) →
 * int8 in groups of 16, min -32·scale. scale is rounded to f16: |error| ≤ 2⁻¹¹·|w|.
 */
export const q6_k: BlockFormat = {
  name: 'Q6_K',
  id: 14,
  blockSize: 256,
  blockBytes: 210,
  format: 'int8',
  groupSize: 16,
  decode: (bytes, at, out, block) => {
    const d = half(bytes, at + 208);
    for (let group = 0; group < 16; group++) scaleAround(32, d * i8(bytes[at + 192 + group]), out, block * 16 + group);
    // Each half of 128 elements is four runs of 32: runs 0 and 1 in the low nibbles of its 64 bytes, 2 and 3 in the
    // high ones; the pair of upper bits of run r of element i is bits 2r, 2r+1 of its byte i.
    for (let run = 0; run < 8; run++) {
      const side = run >> 2;
      const r = run & 3;
      const low = at + side * 64 + (r & 1) * 32;
      const high = at + 128 + side * 32;
      const to = block * 256 + run * 32;
      for (let i = 0; i < 32; i++)
        out.q[to + i] = ((bytes[low + i] >> (4 * (r >> 1))) & 15) | (((bytes[high + i] >> (2 * r)) & 3) << 4);
    }
  },
};
