/**
 * Remembers sampled ids `[L]` u32 as the last tokens of the rows of step.logitIndices (see StepBatch.tokenIds), and puts
 * them behind those rows' tokens (see Ops.writeTokens).
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Step } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

export function storeLastTokens(ctx: WebGPUContext, ids: Tensor, step: Step): void {
  const { buffer, kv } = (step as GpuStep).storage;
  const kernel = ctx.pipelines.get('last-tokens', () => compose('last-tokens.wgsl', import.meta.url));
  const params = new Uint32Array([step.numTokens, step.numLogits, kv.spec.maxLength]);
  const resources = [bufferOf(ids), buffer, kv.storage.lastTokens, kv.storage.tokens];
  ctx.recorder.does(() => moves([ids, ids, ids], 0));
  ctx.recorder.dispatch(kernel, resources, params, Math.ceil(step.numLogits / 64));
}
