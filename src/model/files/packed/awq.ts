/**
 * AutoAWQ's `gemm` layout: a word of `qweight` [in, out / 8] holds one column of eight rows, a word of `qzeros`
 * [groups, out / 8] the zero points of eight rows, both in the order 0, 2, 4, 6, 1, 3, 5, 7 from the low nibble up.
 * Source: AutoAWQ, awq/utils/packing_utils.py and awq/modules/linear/gemm.py.
 */
import type { PackedLayout } from './layout.ts';

/** Bits below row r of eight: its place in that order, times four. */
const shifts = [0, 16, 4, 20, 8, 24, 12, 28];

export const awq: PackedLayout = {
  name: 'AWQ',
  bits: 4,
  matrixShape: ([cols, words]) => ({ rows: words * 8, cols }),
  unpack: (words, { rows, cols }, start, count, q) => {
    const perColumn = rows / 8;
    for (let r = 0; r < count; r++) {
      const at = (start + r) >> 3;
      const shift = shifts[(start + r) & 7];
      const code = (column: number) => (words[column * perColumn + at] >>> shift) & 15;
      for (let i = 0; i < cols / 2; i++) q[(r * cols) / 2 + i] = code(2 * i) | (code(2 * i + 1) << 4);
    }
  },
  zero: (words, rows, group, row) => (words[group * (rows / 8) + (row >> 3)] >>> shifts[row & 7]) & 15,
};
