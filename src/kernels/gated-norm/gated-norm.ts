/**
 * RMSNorm with a gate: `rms(x) · weight · silu(gate)`, or `rms(x · silu(gate)) · weight` (gated-norm.reference.ts).
 *
 * Shapes: `x [T, N]` in runs of `over` columns, gate `[T, W]` with N columns from `from` on, `weight [N]` or `[over]` →
 * `y [T, N]`. All f32; with form 'q8' the result is quantized (N a multiple of 4). Dispatch: a workgroup owns one run of one token.
 * Sources: Mamba-2's and Gated DeltaNet's RMSNormGated, as in transformers' modeling_mamba2.py and modeling_qwen3_next.py.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { activationCode } from '../activation/activation.ts';
import { floatBits } from '../float-bits.ts';
import type { Columns, GatedNormSpec } from '../ops.ts';
import { quantize } from '../quantize/quantize.ts';
import { bufferOf, type ActivationTensor, type WebGPUContext } from '../webgpu-context.ts';

export function gatedNorm(
  ctx: WebGPUContext,
  x: Tensor,
  gate: Columns,
  spec: GatedNormSpec,
  form: 'f32' | 'q8',
): ActivationTensor {
  if (form === 'q8') return quantize(ctx, gatedNorm(ctx, x, gate, spec, 'f32'));
  const { weight, over, gatesFirst, eps } = spec;
  const [tokens, columns] = x.shape;
  const y = ctx.tensor(x.shape, 'f32');
  const group = ctx.variant('gated-norm');
  const kernel = ctx.pipelines.get(
    `gated-norm.${group}`,
    () => compose([`../${group}.wgsl`, 'gated-norm.wgsl'], import.meta.url),
    { ACTIVATION: activationCode.silu, GATES_FIRST: gatesFirst ? 1 : 0 },
  );
  ctx.recorder.dispatch(
    kernel,
    [bufferOf(x), bufferOf(gate.of), bufferOf(weight), y.storage],
    new Uint32Array([columns, over, weight.shape[0], gate.of.shape[1], gate.from, floatBits(eps)]),
    columns / over,
    tokens,
  );
  return y;
}
