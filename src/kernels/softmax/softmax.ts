/**
 * `y = exp(x - max) / Σ exp(x - max)` over the last dimension.
 *
 * Shapes: `x [L, V]` → `y [L, V]`, f32. Dispatch: a workgroup owns one row.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

export function softmax(ctx: WebGPUContext, x: Tensor): GpuTensor {
  const [rows, columns] = x.shape;
  const y = ctx.tensor(x.shape, 'f32');
  const name = ctx.variant('softmax');
  const kernel = ctx.pipelines.get(name, () => compose(`${name}.wgsl`, import.meta.url));
  ctx.recorder.does(() => moves([x, y], 4));
  ctx.recorder.dispatch(kernel, [bufferOf(x), y.storage], new Uint32Array([columns]), rows);
  return y;
}
