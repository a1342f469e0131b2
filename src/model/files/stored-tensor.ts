/** One tensor of a checkpoint: what `inspect` prints and what weights are read from. */
import type { MatrixSource } from '../../tensor/matrix.ts';
import { dequantizeRows } from '../../tensor/rows.ts';
import type { Shape } from '../../tensor/tensor.ts';

export interface StoredTensor {
  /** Hugging Face name; GGUF names are translated. */
  readonly name: string;
  /** Outermost dimension first: a linear layer is [out features, in features]. */
  readonly shape: Shape;
  /** As the file says: F32, BF16, Q4_1 … */
  readonly dtype: string;
  /** Bytes in the file. */
  readonly bytes: number;
  /** Path of the file that holds it. */
  readonly file: string;
  /**
   * Reads rows: a vector is one row. Throws unsupported_model when the dtype cannot be a weight. Buffers belong to the
   * source and are reused by its next call.
   */
  source(): MatrixSource;
}

/** Tensors by name, in file order. */
export type TensorTable = ReadonlyMap<string, StoredTensor>;

/** [rows, cols] of a tensor as a matrix: a vector is one row, everything before the last dimension is rows. */
export function matrixShape(shape: Shape): { rows: number; cols: number } {
  const cols = shape.at(-1) ?? 1;
  return { rows: shape.slice(0, -1).reduce((n, d) => n * d, 1), cols };
}

/** A whole small tensor (norm weight, bias, score head) as f32, row-major. */
export function readVector(tensor: StoredTensor): Float32Array {
  const source = tensor.source();
  return dequantizeRows(source.readRows(0, source.rows), source.rows, source.cols, source.groupSize);
}
