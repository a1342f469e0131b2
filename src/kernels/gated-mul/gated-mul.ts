/**
 * `y = activation(gate) · up` (activation/activation.wgsl)
 *
 * Shapes: `gateUp [T, 2·I]`, gate first → `y [T, I]`. f32; with form 'q8' the result is quantized (I a multiple of 4).
 * Dispatch: an invocation owns one element; the q8 kernel for lavapipe, 512 features of a token a workgroup. T may be more than
 * a dimension of the grid has: tokens times their experts.
 * Source: SwiGLU and GeGLU, Shazeer 2020.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { gatedActivationCode } from '../activation/activation.ts';
import type { GatedActivation } from '../ops.ts';
import { quantize } from '../quantize/quantize.ts';
import { rowGrid } from '../row-grid.ts';
import { bufferOf, Q8_BLOCK, type ActivationTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

const BLOCKS = 8;

export function gatedMul(
  ctx: WebGPUContext,
  gateUp: Tensor,
  activation: GatedActivation,
  form: 'f32' | 'q8',
): ActivationTensor {
  const name = form === 'q8' ? ctx.variant('gated-mul to q8') : 'gated-mul';
  if (name === null) return quantize(ctx, gatedMul(ctx, gateUp, activation, 'f32'));
  const tokens = gateUp.shape[0];
  const intermediate = gateUp.shape[1] / 2;
  const y = ctx.activation([tokens, intermediate], form);
  const ACTIVATION = gatedActivationCode[activation];
  const fused = name === 'gated-mul.q8.lavapipe';
  const source = () => compose(`${name}.wgsl`, import.meta.url);
  const kernel = ctx.pipelines.get(name, source, fused ? { ACTIVATION, BLOCKS } : { ACTIVATION });
  const perWorkgroup = fused ? BLOCKS * Q8_BLOCK : 64;
  const across = Math.ceil(intermediate / perWorkgroup);
  const params = new Uint32Array([intermediate, tokens]);
  ctx.recorder.does(() => moves([gateUp, y], 6));
  ctx.recorder.dispatch(kernel, [bufferOf(gateUp), y.storage], params, across, ...rowGrid(tokens));
  return y;
}
