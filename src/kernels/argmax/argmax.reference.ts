/** Index of the largest value of each row, the lowest index among equals: `[L, V]` → `[L]`. */
export function argmaxReference(x: Float32Array, columns: number): Uint32Array {
  const ids = new Uint32Array(x.length / columns);
  for (let l = 0; l < ids.length; l++) {
    let best = 0;
    for (let i = 1; i < columns; i++) if (x[l * columns + i] > x[l * columns + best]) best = i;
    ids[l] = best;
  }
  return ids;
}
