/**
 * The rows of x at the step's logit indices.
 *
 * Shapes: `x [T, H]` f32, `step.logitIndices [L]` → `[L, H]`. Dispatch: a workgroup owns one row of the result.
 */
import { wgsl } from '../../gpu/pipelines.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Step } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';

export function takeLogitRows(ctx: WebGPUContext, x: Tensor, step: Step): GpuTensor {
  const features = x.shape[1];
  const y = ctx.tensor([step.numLogits, features], 'f32');
  const kernel = ctx.pipelines.get('take-rows', () => wgsl('take-rows.wgsl', import.meta.url));
  const { buffer } = (step as GpuStep).storage;
  const params = new Uint32Array([step.numTokens, features]);
  ctx.recorder.dispatch(kernel, [bufferOf(x), buffer, y.storage], params, step.numLogits);
  return y;
}
