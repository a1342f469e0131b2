/**
 * `y[t, n] += scale · Σ_r B[n, r] · Σ_k A[r, k] · x[t, k]` on lavapipe, of the adapter in each token's slot.
 *
 * Shapes: `x [T, K]` f32 or q8, `y [T, N]` f32 in place, weights f16 in a texture (lora-layout.ts). Accumulates in f32.
 * Dispatch: a workgroup of 8 lanes owns a token: lanes are ranks in A's product and rows in B's. Limits: three stacked parts.
 * Source: Chen et al. 2023 (Punica), arXiv:2310.18547; Sheng et al. 2023 (S-LoRA), arXiv:2311.03285.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, resourceOf, type WebGPUContext } from '../webgpu-context.ts';
import type { GpuLora } from './gpu-lora.ts';
import { blocksOf, slotTexels } from './lora-layout.ts';
import { partRows } from './part-rows.ts';

/** By the form of x. */
const columns = {
  f32: 'columns.f32.lavapipe.wgsl',
  ragged: 'columns.ragged.lavapipe.wgsl',
  q8: 'columns.q8.lavapipe.wgsl',
};

export function lavapipeLora(ctx: WebGPUContext, y: Tensor, x: Tensor, lora: GpuLora, step: GpuStep): void {
  const input = x.dtype === 'q8' ? 'q8' : lora.cols % 4 === 0 ? 'f32' : 'ragged';
  const kernel = ctx.pipelines.get(`lora.lavapipe.${input}`, () =>
    compose('lora.lavapipe.wgsl', import.meta.url, { 'columns.f32.lavapipe.wgsl': columns[input] }),
  );
  const {
    parts,
    cols,
    storage: { bound },
  } = lora;
  const { adapters, buffer } = step.storage;
  ctx.recorder.dispatch(
    kernel,
    [bound, null, buffer, resourceOf(x), bufferOf(y)],
    new Uint32Array([...partRows(lora), parts.length, cols, blocksOf(cols), adapters.offset, slotTexels(lora)]),
    step.numTokens,
  );
}
