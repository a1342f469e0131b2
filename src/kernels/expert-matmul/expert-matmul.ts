/** Products with each token's experts, with the stored form and the kernel that kernel-sets.ts names for the adapter. */
import type { Tensor } from '../../tensor/tensor.ts';
import { chosenPlan } from '../matmul/matmul.rows.ts';
import type { ExpertMatmulOption, Matrix } from '../ops.ts';
import type { GpuTensor, WebGPUContext } from '../webgpu-context.ts';
import { lavapipeExpertMatmul } from './expert-matmul.lavapipe.ts';
import { expertPlans, rowsExpertMatmul } from './expert-matmul.rows.ts';

/**
 * Up to so many pairs for each expert there is, on average, a pair's expert is read for it alone: of the experts that are
 * chosen at all most have one or two. By reasoning: not yet measured.
 */
const FEW_PAIRS = 2;
export const hasFewPairs = (pairs: number, experts = 1): boolean => pairs <= FEW_PAIRS * experts;

/** x [T or T·k, K] f32 or q8, w [E·N, K], routing [T, 2·k] → [T·k, N] f32 */
export function expertMatmul(
  ctx: WebGPUContext,
  x: Tensor,
  w: Matrix,
  routing: Tensor,
  option: ExpertMatmulOption = {},
): GpuTensor {
  if (x.shape[1] !== w.cols) throw new RangeError(`expertMatmul ${w.name}: x has ${x.shape[1]} columns, w ${w.cols}`);
  const tokens = routing.shape[0];
  const perToken = routing.shape[1] / 2;
  const isFew = hasFewPairs(tokens * perToken, w.experts);
  const name = ctx.variant(isFew ? 'expert matmul of few tokens' : 'expert matmul');
  if (name === 'expert-matmul.lavapipe') return lavapipeExpertMatmul(ctx, x, w, routing, isFew, option);
  const hasRowEach = x.shape[0] !== tokens;
  const chosen = chosenPlan(ctx, name, tokens, w, expertPlans(ctx, w, { tokens, perToken, hasRowEach }));
  return rowsExpertMatmul(ctx, chosen, x, w, routing, option);
}
