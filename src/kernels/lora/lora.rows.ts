/**
 * `h[t, r] = scale · Σ_k A[r, k] · x[t, k]`, then `y[t, n] += Σ_r B[n, r] · h[t, r]` on real GPUs, of the adapter in each token's
 * slot.
 *
 * Shapes: `x [T, K]` f32 or q8, `h [T, parts, maxRank]` f32, `y [T, N]` f32 in place, weights f16 in a buffer (lora-layout.ts).
 * Accumulates in f32. Dispatch: lora.shrink, a workgroup of 8 ranks × 8 teams owns a group of ranks of a part and token;
 * lora.expand, an invocation owns a row of a token. Limits: three stacked parts.
 * Source: Chen et al. 2023 (Punica), arXiv:2310.18547; Sheng et al. 2023 (S-LoRA), arXiv:2311.03285.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type WebGPUContext } from '../webgpu-context.ts';
import type { GpuLora } from './gpu-lora.ts';
import { blocksOf, slotTexels } from './lora-layout.ts';
import { partRows } from './part-rows.ts';

export function rowsLora(ctx: WebGPUContext, y: Tensor, x: Tensor, lora: GpuLora, step: GpuStep): void {
  const { cols, parts, maxRank } = lora;
  const { bound } = lora.storage;
  const { adapters, buffer } = step.storage;
  const tokens = step.numTokens;
  const groups = maxRank / 8;
  const rows = parts.reduce((n, part) => n + part, 0);
  const input = x.dtype === 'q8' ? 'q8' : cols % 8 === 0 ? 'f32' : 'ragged';
  const shrink = ctx.pipelines.get(`lora.shrink.${input}`, () =>
    compose('lora.shrink.wgsl', import.meta.url, { 'input.f32.wgsl': `input.${input}.wgsl` }),
  );
  const expand = ctx.pipelines.get('lora.expand', () => compose('lora.expand.wgsl', import.meta.url));
  const params = [...partRows(lora), parts.length, groups, adapters.offset, slotTexels(lora)];
  const h = ctx.tensor([tokens, parts.length * maxRank], 'f32');
  ctx.recorder.dispatch(
    shrink,
    [bound, null, bufferOf(x), buffer, h.storage],
    new Uint32Array([...params, cols, Math.ceil(cols / 8), blocksOf(cols)]),
    parts.length * groups,
    tokens,
  );
  ctx.recorder.dispatch(
    expand,
    [bound, null, h.storage, buffer, bufferOf(y)],
    new Uint32Array(params),
    Math.ceil(rows / 64),
    tokens,
  );
}
