/**
 * `y = x / sqrt(mean(x²) + eps) · weight`
 *
 * Shapes: `x [T, H]`, `weight [H]` → `y [T, H]`. All f32, the sum of squares too; with form 'q8' the result is quantized
 * (H a multiple of 4). Dispatch: a workgroup owns one token. Source: Zhang & Sennrich 2019, as in Llama.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { floatBits } from '../float-bits.ts';
import type { RmsNormSpec } from '../ops.ts';
import { quantize } from '../quantize/quantize.ts';
import { bufferOf, type ActivationTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

/** Of a workgroup of rms-norm.wgsl, and of a product that norms its input: they add up squares in the same order. */
export const NORM_THREADS = 128;

export function rmsNorm(
  ctx: WebGPUContext,
  x: Tensor,
  { weight, eps }: Pick<RmsNormSpec, 'weight' | 'eps'>,
  form: 'f32' | 'q8',
): ActivationTensor {
  const name = ctx.variant(form === 'q8' ? 'rms-norm to q8' : 'rms-norm');
  if (name === null) return quantize(ctx, rmsNorm(ctx, x, { weight, eps }, 'f32'));
  const [tokens, features] = x.shape;
  const y = ctx.activation(x.shape, form);
  const isRagged = name === 'rms-norm' && features % 4 !== 0;
  const kernel = ctx.pipelines.get(isRagged ? `${name}-ragged` : name, () =>
    compose(`${name}.wgsl`, import.meta.url, {
      ...(name === 'rms-norm' && { SIZE: NORM_THREADS }),
      ...(isRagged && { 'features.wgsl': 'features.ragged.wgsl' }),
    }),
  );
  const params = new Uint32Array([features, floatBits(eps)]);
  ctx.recorder.does(() => moves([x, weight, y], 4));
  ctx.recorder.dispatch(kernel, [bufferOf(x), bufferOf(weight), y.storage], params, tokens);
  return y;
}
