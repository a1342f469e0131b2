/**
 * `Σ_j weight(t, j) · y[t·k + j] (+ residual[t])`: what a token's experts give together.
 *
 * Shapes: `y [T·k, N]`, `routing [T, 2·k]`, `residual [T, N]` → `[T, N]`, f32. Dispatch: an invocation owns one element.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

export function combine(ctx: WebGPUContext, y: Tensor, routing: Tensor, residual?: Tensor): GpuTensor {
  const [tokens, width] = routing.shape;
  const columns = y.shape[1];
  const combined = ctx.tensor([tokens, columns], 'f32');
  const kernel = ctx.pipelines.get(`combine${residual ? '-residual' : ''}`, () =>
    compose('combine.wgsl', import.meta.url, residual ? { 'no-residual.wgsl': 'add-residual.wgsl' } : {}),
  );
  // The residual is at binding 5, as in matrix products.
  const resources = [
    bufferOf(y),
    bufferOf(routing),
    combined.storage,
    null,
    null,
    residual ? bufferOf(residual) : null,
  ];
  const params = new Uint32Array([columns, width / 2]);
  ctx.recorder.does(() => moves([y, routing, ...(residual ? [residual] : []), combined], 2));
  ctx.recorder.dispatch(kernel, resources, params, Math.ceil(columns / 64), tokens);
  return combined;
}
