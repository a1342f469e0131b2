import { f16ToF32 } from '../../../tensor/f16.ts';
import { nibble, scaleAround, u16, type BlockFormat } from './block-format.ts';
import { unpackGrid } from './grid.ts';
import { iq1Grid } from './grids/iq1.ts';

/** -1, 0 and 1 in eighths. */
const grid = unpackGrid(iq1Grid, 2, [-8, 0, 8]);
const ZERO = 16;

/**
 * 32 bytes of grid entries of 8, 16 bytes with four bits more for each (three of the entry, the sign of a shift), four u16 of four
 * three-bit scales and four bits of the f16 d each; sixteen groups of 16: w = d·(2·sc + 1)/8·(8·grid ± 1) → int8 in groups of 16,
 * min -16·scale. scale is rounded to f16: |error| ≤ 2⁻¹¹·|w|.
 */
export const iq1_m: BlockFormat = {
  name: 'IQ1_M',
  id: 29,
  blockSize: 256,
  blockBytes: 56,
  format: 'int8',
  groupSize: 16,
  decode: (bytes, at, out, block) => {
    const words = [0, 1, 2, 3].map((i) => u16(bytes, at + 48 + 2 * i));
    const d = f16ToF32(words.reduce((bits, word, i) => bits | ((word >> 12) << (4 * i)), 0));
    for (let group = 0; group < 16; group++) {
      const sc = (words[group >> 2] >> (3 * (group & 3))) & 7;
      scaleAround(ZERO, (d * (2 * sc + 1)) / 8, out, block * 16 + group);
    }
    for (let j = 0; j < 32; j++) {
      const more = nibble(bytes, at + 32, j);
      const from = (bytes[at + j] | ((more & 7) << 8)) * 8;
      const shift = more & 8 ? -1 : 1;
      for (let i = 0; i < 8; i++) out.q[block * 256 + j * 8 + i] = ZERO + grid[from + i] + shift;
    }
  },
};
