/** Attention with the kernels that kernel-sets.ts names for the adapter. */
import type { Tensor } from '../../tensor/tensor.ts';
import type { GpuCacheLayer } from '../kv-cache/kv-cache.ts';
import type { AttendedLayer, AttentionSpec, Step } from '../ops.ts';
import { quantize } from '../quantize/quantize.ts';
import type { GpuStep } from '../step/step.ts';
import type { ActivationTensor, GpuTensor, WebGPUContext } from '../webgpu-context.ts';
import { flashAttention } from './attention.flash.ts';
import { lavapipeAttention } from './attention.lavapipe.ts';
import { attentionTiles, matrixAttention } from './attention.matrix.ts';
import { headShape } from './head-shape.ts';

/** q [T, Hq·D] f32 → [T, Hq·Dv] f32 or q8 */
export function attention(
  ctx: WebGPUContext,
  q: Tensor,
  layer: AttendedLayer,
  step: Step,
  spec: AttentionSpec,
  out: 'f32' | 'q8',
): ActivationTensor {
  const y = attended(ctx, q, layer as GpuCacheLayer, step as GpuStep, spec);
  return out === 'q8' ? quantize(ctx, y) : y;
}

function attended(ctx: WebGPUContext, q: Tensor, layer: GpuCacheLayer, step: GpuStep, spec: AttentionSpec): GpuTensor {
  if (ctx.variant('attention') === 'attention.lavapipe') return lavapipeAttention(ctx, q, layer, step, spec);
  const isByUnits = step.storage.attentionRuns.count > 0 && ctx.variant('attention of prompts') === 'attention.matrix';
  const tiles = isByUnits ? attentionTiles(ctx, headShape(layer)) : [];
  if (tiles.length === 0) return flashAttention(ctx, q, layer, step, spec);
  const y = flashAttention(ctx, q, layer, step, spec, 'short');
  matrixAttention(ctx, tiles, q, layer, step, spec, y);
  return y;
}
