/**
 * `y = a + scale · b`: what joins the residual stream where no matrix product ends in it (a norm behind the block, learned
 * positions, Granite's multiplier).
 *
 * Shapes: `a, b [T, H]` → `y [T, H]`, f32. Dispatch: an invocation owns one element.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { floatBits } from '../float-bits.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

export function add(ctx: WebGPUContext, a: Tensor, b: Tensor, scale: number): GpuTensor {
  const [tokens, features] = a.shape;
  const y = ctx.tensor(a.shape, 'f32');
  const kernel = ctx.pipelines.get('add', () => compose('add.wgsl', import.meta.url));
  const params = new Uint32Array([features, floatBits(scale)]);
  ctx.recorder.does(() => moves([a, b, y], 2));
  ctx.recorder.dispatch(kernel, [bufferOf(a), bufferOf(b), y.storage], params, Math.ceil(features / 64), tokens);
  return y;
}
