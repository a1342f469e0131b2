import { matmulReference, matrixRows, type ReferenceMatrix } from '../matmul/matmul.reference.ts';

/** x `[T, Hq·K]`, w `[Hq·N, K]` → `[T, Hq·N]`: head h of a token times rows h·N … of w. */
export function headMatmulReference(x: Float32Array, w: ReferenceMatrix, heads: number): Float32Array {
  const { cols } = w;
  const rows = w.rows / heads;
  const tokens = x.length / (heads * cols);
  const y = new Float32Array(tokens * w.rows);
  for (let h = 0; h < heads; h++) {
    const data = new Uint8Array(matrixRows(w, h * rows, rows).buffer);
    const own: ReferenceMatrix = { ...w, rows, format: 'f32', groupSize: 0, storage: { format: 'f32', data } };
    for (let t = 0; t < tokens; t++) {
      const first = (t * heads + h) * cols;
      y.set(matmulReference(x.subarray(first, first + cols), own), (t * heads + h) * rows);
    }
  }
  return y;
}
