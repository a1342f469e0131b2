/**
 * `y = factor · x`: multipliers of logits (Cohere, Granite).
 *
 * Shapes: `x [L, V]` → `y [L, V]`, f32. Dispatch: an invocation owns one element.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { floatBits } from '../float-bits.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

export function scale(ctx: WebGPUContext, x: Tensor, factor: number): GpuTensor {
  const [rows, columns] = x.shape;
  const y = ctx.tensor(x.shape, 'f32');
  const kernel = ctx.pipelines.get('scale', () => compose('scale.wgsl', import.meta.url));
  const params = new Uint32Array([columns, floatBits(factor)]);
  ctx.recorder.does(() => moves([x, y], 1));
  ctx.recorder.dispatch(kernel, [bufferOf(x), y.storage], params, Math.ceil(columns / 64), rows);
  return y;
}
