/** Attention with the kernel that kernel-sets.ts names for the adapter. */
import type { Tensor } from '../../tensor/tensor.ts';
import type { GpuCacheLayer } from '../kv-cache/kv-cache.ts';
import type { AttendedLayer, AttentionSpec, Step } from '../ops.ts';
import { quantize } from '../quantize/quantize.ts';
import type { GpuStep } from '../step/step.ts';
import type { ActivationTensor, WebGPUContext } from '../webgpu-context.ts';
import { flashAttention } from './attention.flash.ts';
import { lavapipeAttention } from './attention.lavapipe.ts';

const launchers = { 'attention.lavapipe': lavapipeAttention, 'attention.flash': flashAttention };

/** q [T, Hq·D] f32 → [T, Hq·Dv] f32 or q8 */
export function attention(
  ctx: WebGPUContext,
  q: Tensor,
  layer: AttendedLayer,
  step: Step,
  spec: AttentionSpec,
  out: 'f32' | 'q8',
): ActivationTensor {
  const y = launchers[ctx.variant('attention')](ctx, q, layer as GpuCacheLayer, step as GpuStep, spec);
  return out === 'q8' ? quantize(ctx, y) : y;
}
