/** `exp(x - max) / Σ exp(x - max)` of each row: `[L, V]` → `[L, V]`. */
export function softmaxReference(x: Float32Array, columns: number): Float32Array {
  const y = new Float32Array(x.length);
  for (let row = 0; row < x.length; row += columns) {
    let max = -Infinity;
    for (let i = 0; i < columns; i++) max = Math.max(max, x[row + i]);
    let sum = 0;
    for (let i = 0; i < columns; i++) sum += Math.exp(x[row + i] - max);
    for (let i = 0; i < columns; i++) y[row + i] = Math.exp(x[row + i] - max) / sum;
  }
  return y;
}
