import { f32ToF16 } from '../../../tensor/f16.ts';
import { half, packCodes, u16, type BlockFormat } from './block-format.ts';
import { unpackGrid } from './grid.ts';
import { iq1Grid } from './grids/iq1.ts';

/** -1, 0 and 1 as the codes 0, 1 and 2. */
const grid = unpackGrid(iq1Grid, 2, [0, 1, 2]);
const codes = new Uint8Array(256);

/**
 * f16 d, 32 bytes of grid entries of 8, and for each of eight groups of 32 a u16 of four times three upper bits of the entries, a
 * three-bit scale and the sign of a shift: w = d·(2·sc + 1)·(q - 1 ± 1/8) → int4. scale and min are rounded to f16:
 * |error| ≤ 2⁻¹¹·(2·|scale| + |min|).
 */
export const iq1_s: BlockFormat = {
  name: 'IQ1_S',
  id: 19,
  blockSize: 256,
  blockBytes: 50,
  format: 'int4',
  groupSize: 32,
  decode: (bytes, at, out, block) => {
    const d = half(bytes, at);
    for (let group = 0; group < 8; group++) {
      const high = u16(bytes, at + 34 + 2 * group);
      const scale = d * (2 * ((high >> 12) & 7) + 1);
      out.scale[block * 8 + group] = f32ToF16(scale);
      out.min[block * 8 + group] = f32ToF16(scale * (high & 0x8000 ? -1.125 : -0.875));
      for (let l = 0; l < 4; l++) {
        const entry = bytes[at + 2 + group * 4 + l] | (((high >> (3 * l)) & 7) << 8);
        for (let i = 0; i < 8; i++) codes[group * 32 + l * 8 + i] = grid[entry * 8 + i];
      }
    }
    packCodes(codes, out.q, block * 128);
  },
};
