import { half, nibble, scaleAround, u16, type BlockFormat } from './block-format.ts';
import { eightSigns, GRID_ZERO, putSigned, unpackGrid } from './grid.ts';
import { iq2XsGrid } from './grids/iq2_xs.ts';

const grid = unpackGrid(iq2XsGrid, 2, [8, 25, 43]);

/**
 * f16 d, 32 u16 of a grid entry of 8 (nine bits) and seven signs, 8 bytes of four-bit scales; sixteen groups of 16:
 * w = d·(2·sc + 1)/8·(±grid) → int8 in groups of 16, min -64·scale. scale is rounded to f16: |error| ≤ 2⁻¹¹·|w|.
 */
export const iq2_xs: BlockFormat = {
  name: 'IQ2_XS',
  id: 17,
  blockSize: 256,
  blockBytes: 74,
  format: 'int8',
  groupSize: 16,
  decode: (bytes, at, out, block) => {
    const d = half(bytes, at);
    for (let group = 0; group < 16; group++)
      scaleAround(GRID_ZERO, (d * (2 * nibble(bytes, at + 66, group) + 1)) / 8, out, block * 16 + group);
    for (let j = 0; j < 32; j++) {
      const entry = u16(bytes, at + 2 + 2 * j);
      putSigned(grid, (entry & 511) * 8, 8, eightSigns(entry >> 9), out.q, block * 256 + j * 8);
    }
  },
};
