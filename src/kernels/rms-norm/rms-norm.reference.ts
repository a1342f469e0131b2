/** `y = x / sqrt(mean(x²) + eps) · weight` for each row: x `[T, H]`, weight `[H]` → `[T, H]` (Zhang & Sennrich 2019). */
export function rmsNormReference(x: Float32Array, weight: Float32Array, eps: number): Float32Array {
  const features = weight.length;
  const y = new Float32Array(x.length);
  for (let row = 0; row < x.length; row += features) {
    let sum = 0;
    for (let i = 0; i < features; i++) sum += x[row + i] * x[row + i];
    const scale = 1 / Math.sqrt(sum / features + eps);
    for (let i = 0; i < features; i++) y[row + i] = x[row + i] * scale * weight[i];
  }
  return y;
}
