import type { ReferenceMatrix } from '../matmul/matmul.reference.ts';
import { matrixRows } from '../matmul/matmul.reference.ts';

/** ids `[T]`, table `[V, H]` → the rows of those ids `[T, H]`, dequantized to f32, times `scale`. */
export function embeddingReference(ids: Uint32Array, table: ReferenceMatrix, scale: number): Float32Array {
  const out = new Float32Array(ids.length * table.cols);
  ids.forEach((id, t) => {
    out.set(
      matrixRows(table, id, 1).map((v) => v * scale),
      t * table.cols,
    );
  });
  return out;
}
