import { sliceRows } from '../../tensor/rows.ts';
import type { ReferenceMatrix } from '../matmul/matmul.reference.ts';

/** The matrix of expert `e` [N, K]. */
function expertReference(w: ReferenceMatrix, e: number): ReferenceMatrix {
  const rows = w.rows / (w.experts ?? 1);
  return { ...w, rows, storage: sliceRows(w.storage, e * rows, rows, w.cols, w.groupSize) };
}

/**
 * `y[t·k + j] = x[t or t·k + j] · w[expert j of t]ᵀ (+ bias[expert])` `[T·k, N]`.
 * @param routing `[T, 2·k]` pairs of expert and weight
 * @param product row `i` of x times one expert's matrix, `[N]`
 * @param perInput 1 if x has a row for each of a token's experts, k if they share one
 * @param bias `[E, N]`
 */
export function expertMatmulReference(
  w: ReferenceMatrix,
  routing: Float32Array,
  product: (i: number, matrix: ReferenceMatrix) => Float32Array,
  perInput: number,
  bias: Float32Array | null,
): Float32Array {
  const columns = w.rows / (w.experts ?? 1);
  const y = new Float32Array((routing.length / 2) * columns);
  for (let pair = 0; pair < routing.length / 2; pair++) {
    const expert = routing[2 * pair];
    const row = product(Math.floor(pair / perInput), expertReference(w, expert));
    y.set(bias ? row.map((v, n) => v + bias[expert * columns + n]) : row, pair * columns);
  }
  return y;
}
