/**
 * `y = activation(x)`, element by element (activation.wgsl), and what the other kernels that include activation.wgsl set.
 *
 * Shapes: `x [T, I]` → `y [T, I]`, f32; with form 'q8' the result is quantized (I a multiple of 4). Dispatch: an
 * invocation owns one element. Sources: activation.reference.ts.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Activation, GatedActivation } from '../ops.ts';
import { quantize } from '../quantize/quantize.ts';
import { bufferOf, type ActivationTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

/** ACTIVATION override of the kernels. */
export const activationCode: Record<Activation, number> = { silu: 0, gelu_tanh: 1, gelu: 2, relu: 3, relu2: 4 };

/** Of those that include gated-mul/gated.wgsl. */
export const gatedActivationCode: Record<GatedActivation, number> = { ...activationCode, swigluoai: 5 };

export function activate(ctx: WebGPUContext, x: Tensor, activation: Activation, form: 'f32' | 'q8'): ActivationTensor {
  if (form === 'q8') return quantize(ctx, activate(ctx, x, activation, 'f32'));
  const y = ctx.tensor(x.shape, 'f32');
  const kernel = ctx.pipelines.get('activate', () => compose('activate.wgsl', import.meta.url), {
    ACTIVATION: activationCode[activation],
  });
  const [tokens, features] = x.shape;
  ctx.recorder.does(() => moves([x, y], 5));
  ctx.recorder.dispatch(
    kernel,
    [bufferOf(x), y.storage],
    new Uint32Array([features]),
    Math.ceil(features / 64),
    tokens,
  );
  return y;
}
