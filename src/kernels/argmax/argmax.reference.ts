import { NO_TOKEN } from '../ops.ts';

/** Index of the largest value of each row, the lowest index among equals, NO_TOKEN where one is NaN or +∞: `[L, V]` → `[L]`. */
export function argmaxReference(x: Float32Array, columns: number): Uint32Array {
  const ids = new Uint32Array(x.length / columns);
  for (let l = 0; l < ids.length; l++) {
    let best = 0;
    for (let i = 1; i < columns; i++) if (x[l * columns + i] > x[l * columns + best]) best = i;
    ids[l] = isSpoiled(x.subarray(l * columns, (l + 1) * columns)) ? NO_TOKEN : best;
  }
  return ids;
}

/** Whether nothing can be chosen from a row of logits. -∞ forbids a token and is no fault. */
export function isSpoiled(logits: Float32Array): boolean {
  return logits.some((logit) => !(logit < Infinity));
}
