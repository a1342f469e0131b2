/**
 * Matrix product: which stored form and which kernel an adapter gets.
 * `cpu-adapter` (lavapipe): lane layout in textures, one lane per output row (matmul.lanes.ts).
 * `gpu`: row-major in buffers, one team or tile of invocations per few rows (matmul.rows.ts).
 */
import type { MatrixSource } from '../../tensor/matrix.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Matrix } from '../ops.ts';
import type { GpuTensor, WebGPUContext } from '../webgpu-context.ts';
import { uploadLaneMatrix } from './lane-matrix.ts';
import { lanesMatmul, type MatmulOption } from './matmul.lanes.ts';
import { rowsMatmul } from './matmul.rows.ts';
import { uploadRowMatrix } from './row-matrix.ts';

export type { MatmulOption } from './matmul.lanes.ts';

export async function uploadMatrix(ctx: WebGPUContext, source: MatrixSource): Promise<Matrix> {
  const { name, rows, cols, format } = source;
  const upload = ctx.kernelSet === 'cpu-adapter' ? uploadLaneMatrix : uploadRowMatrix;
  return { name, rows, cols, format, storage: await upload(ctx.gpu.device, source) };
}

/** x [T, K] f32 or q8, w [N, K] → [T, N] f32 */
export function matmul(ctx: WebGPUContext, x: Tensor, w: Matrix, option: MatmulOption = {}): GpuTensor {
  if (x.shape[1] !== w.cols) throw new RangeError(`matmul ${w.name}: x has ${x.shape[1]} columns, w ${w.cols}`);
  return ctx.kernelSet === 'cpu-adapter' ? lanesMatmul(ctx, x, w, option) : rowsMatmul(ctx, x, w, option);
}
