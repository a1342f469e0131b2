import type { Work } from '../../gpu/profiler.ts';
import { matrixBytes } from '../../tensor/matrix.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Matrix } from '../ops.ts';
import { bytesOf } from '../webgpu-context.ts';

/** Of `rows` rows of the matrix for so many tokens, the weights alone. */
export function weightWork({ cols, format }: Matrix, groupSize: number, rows: number, tokens: number): Work {
  return { bytes: matrixBytes({ rows, cols, format, groupSize }), flops: 2 * tokens * rows * cols };
}

/** The same with x, y and a residual, each once. */
export function productWork(x: Tensor, w: Matrix, groupSize: number, rows: number, residual: Tensor | undefined): Work {
  const [tokens] = x.shape;
  const { bytes, flops } = weightWork(w, groupSize, rows, tokens);
  const outputs = tokens * rows * 4 * (residual ? 2 : 1);
  return { bytes: bytes + bytesOf(x.shape, x.dtype) + outputs, flops };
}
