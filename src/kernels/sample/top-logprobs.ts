/**
 * Log-probabilities of the sampled token and of the `width` likeliest ones, from the logits as the model gave them.
 *
 * Formula: `logit - max - log Σ exp(logit - max)`; highest first, lower ids first among equals.
 * Shapes: `logits [L, V]` f32, `ids [L]` u32, R rows of them → `[R, 1 + 2·width]` f32: the sampled token's, then pairs of
 * id and log-probability. Sums are f32. Dispatch: argmax, `ladder`, then a workgroup a row. Limits: ids below 2²⁴, exact in f32.
 */
import type { Tensor } from '../../tensor/tensor.ts';
import { argmax } from '../argmax/argmax.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';
import { climb, cutKernel } from './sample.ts';
import { planTop } from './sampling-plan.ts';

export function topLogprobs(
  ctx: WebGPUContext,
  logits: Tensor,
  ids: Tensor,
  rows: readonly number[],
  width: number,
): GpuTensor {
  const y = ctx.tensor([rows.length, 1 + 2 * width], 'f32');
  if (rows.length === 0) return y;
  const plan = ctx.upload(planTop(rows, width));
  const best = argmax(ctx, logits);
  const { ladder, list, params } = climb(ctx, logits, best, plan, rows.length, width > 0);
  const resources = [logits, best, plan, ladder, list, ids, y].map(bufferOf);
  ctx.recorder.does(() => moves([logits, ids, y], 4));
  ctx.recorder.dispatch(cutKernel(ctx, 'top-logprobs'), resources, params, rows.length);
  return y;
}
