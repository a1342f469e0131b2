/**
 * AutoGPTQ's and GPTQModel's layout: a word of `qweight` [in · bits / 32, out] holds consecutive columns of one row, a word
 * of `qzeros` [groups, out · bits / 32] the zero points of consecutive rows, from the low bits up.
 * Source: AutoGPTQ, auto_gptq/nn_modules/qlinear/qlinear_cuda_old.py; GPTQModel, gptqmodel/utils/model.py (v1 ↔ v2).
 */
import type { PackedLayout } from './layout.ts';

/** @param version 1: zero points are stored as words less a one in each field, borrows included; 2 (`gptq_v2`): as they are */
export function gptq(bits: 4 | 8, version: 1 | 2): PackedLayout {
  const perWord = 32 / bits;
  const mask = (1 << bits) - 1;
  const ones = bits === 4 ? 0x11111111 : 0x01010101;
  const less = version === 1 ? ones : 0;
  return {
    name: `GPTQ${bits}`,
    bits,
    matrixShape: ([words, rows]) => ({ rows, cols: words * perWord }),
    // A word is as it is what the engine wants of eight or four columns.
    unpack: (words, { rows, cols }, start, count, q) => {
      const perRow = cols / perWord;
      const to = new Uint32Array(q.buffer, q.byteOffset, count * perRow);
      for (let k = 0; k < perRow; k++) for (let r = 0; r < count; r++) to[r * perRow + k] = words[k * rows + start + r];
    },
    zero: (words, rows, group, row) => {
      const word = words[group * (rows / perWord) + Math.floor(row / perWord)];
      return ((word + less) >>> ((row % perWord) * bits)) & mask;
    },
  };
}
