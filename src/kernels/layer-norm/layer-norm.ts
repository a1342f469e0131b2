/**
 * `y = (x - mean(x)) / sqrt(var(x) + eps) · weight (+ bias)`
 *
 * Shapes: `x [T, H]`, `weight, bias [H]` → `y [T, H]`. All f32, the sums too; with form 'q8' the result is quantized (H a
 * multiple of 4). Dispatch: a workgroup owns one token. Source: Ba et al. 2016, as in GPT-2.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { floatBits } from '../float-bits.ts';
import type { LayerNormSpec } from '../ops.ts';
import { quantize } from '../quantize/quantize.ts';
import { bufferOf, type ActivationTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

export function layerNorm(
  ctx: WebGPUContext,
  x: Tensor,
  { weight, bias, eps }: LayerNormSpec,
  form: 'f32' | 'q8',
): ActivationTensor {
  if (form === 'q8')
    return quantize(ctx, layerNorm(ctx, x, { kind: 'layer', weight, ...(bias && { bias }), eps }, 'f32'));
  const [tokens, features] = x.shape;
  const y = ctx.tensor(x.shape, 'f32');
  const name = ctx.variant('layer-norm');
  const kernel = ctx.pipelines.get(name, () => compose(`${name}.wgsl`, import.meta.url), {
    BIAS: bias ? 1 : 0,
  });
  const params = new Uint32Array([features, floatBits(eps)]);
  ctx.recorder.does(() => moves([x, weight, ...(bias ? [bias] : []), y], 7));
  ctx.recorder.dispatch(kernel, [bufferOf(x), bufferOf(weight), bufferOf(bias ?? weight), y.storage], params, tokens);
  return y;
}
