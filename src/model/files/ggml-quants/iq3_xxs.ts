import { half, scaleAround, u32, type BlockFormat } from './block-format.ts';
import { eightSigns, GRID_ZERO, putSigned, unpackGrid } from './grid.ts';
import { iq3XxsGrid } from './grids/iq3_xxs.ts';

const grid = unpackGrid(iq3XxsGrid, 4, [4, 12, 20, 28, 36, 44, 52, 62]);

/**
 * f16 d, 64 bytes of grid entries of 4, and for each of eight groups of 32 a u32 of four times seven signs and a four-bit scale:
 * w = d·(2·sc + 1)/4·(±grid) → int8, min -64·scale. scale is rounded to f16: |error| ≤ 2⁻¹¹·|w|.
 */
export const iq3_xxs: BlockFormat = {
  name: 'IQ3_XXS',
  id: 18,
  blockSize: 256,
  blockBytes: 98,
  format: 'int8',
  groupSize: 32,
  decode: (bytes, at, out, block) => {
    const d = half(bytes, at);
    for (let group = 0; group < 8; group++) {
      const rest = u32(bytes, at + 66 + group * 4);
      scaleAround(GRID_ZERO, (d * (2 * (rest >>> 28) + 1)) / 4, out, block * 8 + group);
      for (let j = 0; j < 8; j++) {
        const signs = eightSigns((rest >>> (7 * (j >> 1))) & 127) >> (4 * (j & 1));
        putSigned(grid, bytes[at + 2 + group * 8 + j] * 4, 4, signs, out.q, block * 256 + group * 32 + j * 4);
      }
    }
  },
};
