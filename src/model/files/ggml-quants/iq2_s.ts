import { half, nibble, scaleAround, type BlockFormat } from './block-format.ts';
import { GRID_ZERO, putSigned, unpackGrid } from './grid.ts';
import { iq2SGrid } from './grids/iq2_s.ts';

const grid = unpackGrid(iq2SGrid, 2, [8, 25, 43]);

/**
 * f16 d, 32 bytes of grid entries of 8, 32 bytes of signs, 8 bytes of the entries' upper bit pairs, 8 bytes of four-bit scales;
 * sixteen groups of 16: w = d·(2·sc + 1)/8·(±grid) → int8 in groups of 16, min -64·scale. scale is rounded to f16:
 * |error| ≤ 2⁻¹¹·|w|.
 */
export const iq2_s: BlockFormat = {
  name: 'IQ2_S',
  id: 22,
  blockSize: 256,
  blockBytes: 82,
  format: 'int8',
  groupSize: 16,
  decode: (bytes, at, out, block) => {
    const d = half(bytes, at);
    for (let group = 0; group < 16; group++)
      scaleAround(GRID_ZERO, (d * (2 * nibble(bytes, at + 74, group) + 1)) / 8, out, block * 16 + group);
    for (let j = 0; j < 32; j++) {
      const high = (bytes[at + 66 + (j >> 2)] >> (2 * (j & 3))) & 3;
      const entry = bytes[at + 2 + j] | (high << 8);
      putSigned(grid, entry * 8, 8, bytes[at + 34 + j], out.q, block * 256 + j * 8);
    }
  },
};
