/** Attention: which kernel an adapter gets. `cpu-adapter` (lavapipe): attention.lanes.ts; `gpu`: attention.flash.ts. */
import type { Tensor } from '../../tensor/tensor.ts';
import type { GpuKVLayer } from '../kv-cache/kv-cache.ts';
import type { AttentionSpec, KVLayer, Step } from '../ops.ts';
import { quantize } from '../quantize/quantize.ts';
import type { GpuStep } from '../step/step.ts';
import type { ActivationTensor, WebGPUContext } from '../webgpu-context.ts';
import { flashAttention } from './attention.flash.ts';
import { lanesAttention } from './attention.lanes.ts';

/** q [T, Hq·D] f32 → [T, Hq·D] f32 or q8 */
export function attention(
  ctx: WebGPUContext,
  q: Tensor,
  layer: KVLayer,
  step: Step,
  spec: AttentionSpec,
  out: 'f32' | 'q8',
): ActivationTensor {
  const run = ctx.kernelSet === 'cpu-adapter' ? lanesAttention : flashAttention;
  const y = run(ctx, q, layer as GpuKVLayer, step as GpuStep, spec);
  return out === 'q8' ? quantize(ctx, y) : y;
}
