import { half, scaleAround, u32, type BlockFormat } from './block-format.ts';
import { eightSigns, GRID_ZERO, putSigned, unpackGrid } from './grid.ts';
import { iq2XxsGrid } from './grids/iq2_xxs.ts';

const grid = unpackGrid(iq2XxsGrid, 2, [8, 25, 43]);

/**
 * f16 d, then for each of eight groups of 32 four bytes that name grid entries of 8, and a u32 of four times seven signs and a
 * four-bit scale: w = d·(2·sc + 1)/8·(±grid) → int8, min -64·scale. scale is rounded to f16: |error| ≤ 2⁻¹¹·|w|.
 */
export const iq2_xxs: BlockFormat = {
  name: 'IQ2_XXS',
  id: 16,
  blockSize: 256,
  blockBytes: 66,
  format: 'int8',
  groupSize: 32,
  decode: (bytes, at, out, block) => {
    const d = half(bytes, at);
    for (let group = 0; group < 8; group++) {
      const entries = at + 2 + group * 8;
      const rest = u32(bytes, entries + 4);
      scaleAround(GRID_ZERO, (d * (2 * (rest >>> 28) + 1)) / 8, out, block * 8 + group);
      for (let l = 0; l < 4; l++) {
        const signs = eightSigns((rest >>> (7 * l)) & 127);
        putSigned(grid, bytes[entries + l] * 8, 8, signs, out.q, block * 256 + group * 32 + l * 8);
      }
    }
  },
};
