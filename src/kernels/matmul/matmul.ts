/** Matrix product with the stored form and the kernel that kernel-sets.ts names for the adapter. */
import type { MatrixSource } from '../../tensor/matrix.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Matrix } from '../ops.ts';
import type { GpuTensor, WebGPUContext } from '../webgpu-context.ts';
import { uploadLaneMatrix } from './lane-matrix.ts';
import { lavapipeMatmul, type MatmulOption } from './matmul.lavapipe.ts';
import { chosenPlan, plainPlans, rowsMatmul } from './matmul.rows.ts';
import { uploadRowMatrix } from './row-matrix.ts';

export type { MatmulOption } from './matmul.lavapipe.ts';

const uploads = { lanes: uploadLaneMatrix, rows: uploadRowMatrix };

/** Up to here the weights' bytes bound the time, beyond it the tiled kernel reuses them. By reasoning: not yet measured. */
export const FEW_TOKENS = 8;

export async function uploadMatrix(ctx: WebGPUContext, source: MatrixSource): Promise<Matrix> {
  const { name, rows, cols, format, experts } = source;
  const storage = await uploads[ctx.variant('weights')](ctx.gpu.device, source);
  return { name, rows, cols, format, ...(experts !== undefined && { experts }), storage };
}

/** x [T, K] f32 or q8, w [N, K] → [T, N] f32 */
export function matmul(ctx: WebGPUContext, x: Tensor, w: Matrix, option: MatmulOption = {}): GpuTensor {
  if (x.shape[1] !== w.cols) throw new RangeError(`matmul ${w.name}: x has ${x.shape[1]} columns, w ${w.cols}`);
  const name = ctx.variant(x.shape[0] <= FEW_TOKENS ? 'matmul of few tokens' : 'matmul');
  if (name === 'matmul.lavapipe') return lavapipeMatmul(ctx, x, w, option);
  const chosen = chosenPlan(ctx, name, x.shape[0], w, plainPlans(ctx, x.shape[0], w));
  return rowsMatmul(ctx, chosen.name, x, w, option, chosen.plan);
}
