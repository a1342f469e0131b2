/**
 * `y = (x - mean(x)) / sqrt(var(x) + eps) · weight (+ bias)` for each row, var without Bessel's correction: x `[T, H]`,
 * weight and bias `[H]` → `[T, H]` (Ba et al. 2016).
 */
export function layerNormReference(
  x: Float32Array,
  weight: Float32Array,
  bias: Float32Array | null,
  eps: number,
): Float32Array {
  const features = weight.length;
  const y = new Float32Array(x.length);
  for (let row = 0; row < x.length; row += features) {
    let sum = 0;
    for (let i = 0; i < features; i++) sum += x[row + i];
    const mean = sum / features;
    let squares = 0;
    for (let i = 0; i < features; i++) squares += (x[row + i] - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / features + eps);
    for (let i = 0; i < features; i++) y[row + i] = (x[row + i] - mean) * scale * weight[i] + (bias?.[i] ?? 0);
  }
  return y;
}
