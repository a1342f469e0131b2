/** y `[T·k, N]`, routing `[T, 2·k]` pairs of expert and weight → `Σ_j weight_j · y[t·k + j] (+ residual[t])` `[T, N]`. */
export function combineReference(
  y: Float32Array,
  columns: number,
  routing: Float32Array,
  k: number,
  residual: Float32Array | null,
): Float32Array {
  const out = new Float32Array(y.length / k);
  for (let i = 0; i < out.length; i++) {
    const [t, n] = [Math.floor(i / columns), i % columns];
    let sum = residual ? residual[i] : 0;
    for (let j = 0; j < k; j++) sum += routing[(t * k + j) * 2 + 1] * y[(t * k + j) * columns + n];
    out[i] = sum;
  }
  return out;
}
