/**
 * The rows of x at the indices of one of the step's lists.
 *
 * Shapes: `x [T, H]` f32, indices `[L]` → `[L, H]`. Dispatch: a workgroup owns one row of the result.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Step } from '../ops.ts';
import type { GpuStep, StepList } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

export function takeLogitRows(ctx: WebGPUContext, x: Tensor, step: Step): GpuTensor {
  return takeRows(ctx, x, step, { offset: 4 * step.numTokens, count: step.numLogits });
}

export function takePromptRows(ctx: WebGPUContext, x: Tensor, step: Step): GpuTensor {
  return takeRows(ctx, x, step, (step as GpuStep).storage.promptRows);
}

function takeRows(ctx: WebGPUContext, x: Tensor, step: Step, { offset, count }: StepList): GpuTensor {
  const features = x.shape[1];
  const y = ctx.tensor([count, features], 'f32');
  const kernel = ctx.pipelines.get('take-rows', () => compose('take-rows.wgsl', import.meta.url));
  const { buffer } = (step as GpuStep).storage;
  ctx.recorder.does(() => moves([y, y], 0));
  ctx.recorder.dispatch(kernel, [bufferOf(x), buffer, y.storage], new Uint32Array([offset, features]), count);
  return y;
}
