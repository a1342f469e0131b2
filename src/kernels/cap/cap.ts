/**
 * `y = c · tanh(x / c)`: keeps logits within ±c. NaN and infinity stay what they are, for the sampler to find.
 *
 * Shapes: `x [L, V]` → `y [L, V]`, f32. Dispatch: an invocation owns one element. Source: Gemma Team 2024
 * (arXiv:2408.00118).
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { floatBits } from '../float-bits.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

export function cap(ctx: WebGPUContext, x: Tensor, c: number): GpuTensor {
  const [rows, columns] = x.shape;
  const y = ctx.tensor(x.shape, 'f32');
  const kernel = ctx.pipelines.get('cap', () => compose('cap.wgsl', import.meta.url));
  const params = new Uint32Array([columns, floatBits(c)]);
  ctx.recorder.does(() => moves([x, y], 3));
  ctx.recorder.dispatch(kernel, [bufferOf(x), y.storage], params, Math.ceil(columns / 64), rows);
  return y;
}
