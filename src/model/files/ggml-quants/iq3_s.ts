import { f32ToF16 } from '../../../tensor/f16.ts';
import { half, nibble, packCodes, type BlockFormat } from './block-format.ts';
import { unpackGrid } from './grid.ts';
import { iq3SGrid } from './grids/iq3_s.ts';

/** Odd numbers, whose negative ones are odd too: sixteen values in equal steps of 2. */
const grid = unpackGrid(iq3SGrid, 4, [1, 3, 5, 7, 9, 11, 13, 15]);
const codes = new Uint8Array(256);

/**
 * f16 d, 64 bytes of grid entries of 4, 8 bytes of the entries' ninth bits, 32 bytes of signs, 4 bytes of four-bit scales; eight
 * groups of 32: w = d·(2·sc + 1)·(±grid) = s·(2·q - 15) → int4, scale 2·s, min -15·s. scale and min are rounded to f16:
 * |error| ≤ 2⁻¹¹·(15·|scale| + |min|).
 */
export const iq3_s: BlockFormat = {
  name: 'IQ3_S',
  id: 21,
  blockSize: 256,
  blockBytes: 110,
  format: 'int4',
  groupSize: 32,
  decode: (bytes, at, out, block) => {
    const d = half(bytes, at);
    for (let group = 0; group < 8; group++) {
      const scale = d * (2 * nibble(bytes, at + 106, group) + 1);
      out.scale[block * 8 + group] = f32ToF16(2 * scale);
      out.min[block * 8 + group] = f32ToF16(-15 * scale);
    }
    for (let i = 0; i < 256; i++) {
      const j = i >> 2;
      const entry = bytes[at + 2 + j] | (((bytes[at + 66 + (j >> 3)] >> (j & 7)) & 1) << 8);
      const value = grid[entry * 4 + (i & 3)];
      const isNegative = (bytes[at + 74 + (i >> 3)] >> (i & 7)) & 1;
      codes[i] = ((isNegative ? -value : value) + 15) >> 1;
    }
    packCodes(codes, out.q, block * 128);
  },
};
