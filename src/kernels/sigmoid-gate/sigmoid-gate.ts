/**
 * `x · sigmoid(gate)`: a shared expert's part (Qwen2-MoE), an output that is gated.
 *
 * Shapes: `x [T, N]`, `gate [T, N]` or one a token `[T, 1]` → `[T, N]`, f32. Dispatch: an invocation owns one element.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

export function sigmoidGate(ctx: WebGPUContext, x: Tensor, gate: Tensor): GpuTensor {
  const [tokens, columns] = x.shape;
  const y = ctx.tensor(x.shape, 'f32');
  const kernel = ctx.pipelines.get('sigmoid-gate', () => compose('sigmoid-gate.wgsl', import.meta.url));
  const params = new Uint32Array([columns, gate.shape[1]]);
  ctx.recorder.does(() => moves([x, gate, y], 2));
  ctx.recorder.dispatch(kernel, [bufferOf(x), bufferOf(gate), y.storage], params, Math.ceil(columns / 64), tokens);
  return y;
}
