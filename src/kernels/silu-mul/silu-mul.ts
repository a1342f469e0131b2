/**
 * `y = silu(gate) · up`, `silu(x) = x / (1 + exp(-x))`
 *
 * Shapes: `gateUp [T, 2·I]`, gate first → `y [T, I]`. f32; with form 'q8' the result is quantized (I a multiple of 4).
 * Dispatch: an invocation owns one element; the q8 kernel for lavapipe, 512 features of a token a workgroup.
 * Source: SwiGLU, Shazeer 2020.
 */
import { wgsl } from '../../gpu/pipelines.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { quantize, withQ8Block } from '../quantize/quantize.ts';
import { bufferOf, Q8_BLOCK, type ActivationTensor, type WebGPUContext } from '../webgpu-context.ts';

const BLOCKS = 8;

export function siluMul(ctx: WebGPUContext, gateUp: Tensor, form: 'f32' | 'q8'): ActivationTensor {
  const fused = form === 'q8' && ctx.kernelSet === 'cpu-adapter';
  if (form === 'q8' && !fused) return quantize(ctx, siluMul(ctx, gateUp, 'f32'));
  const tokens = gateUp.shape[0];
  const intermediate = gateUp.shape[1] / 2;
  const y = ctx.activation([tokens, intermediate], form);
  const kernel = fused
    ? ctx.pipelines.get('silu-mul.q8.lanes', () => withQ8Block(wgsl('silu-mul.q8.lanes.wgsl', import.meta.url)), {
        BLOCKS,
      })
    : ctx.pipelines.get('silu-mul', () => wgsl('silu-mul.wgsl', import.meta.url));
  const perWorkgroup = fused ? BLOCKS * Q8_BLOCK : 64;
  const grid = Math.ceil(intermediate / perWorkgroup);
  ctx.recorder.dispatch(kernel, [bufferOf(gateUp), y.storage], new Uint32Array([intermediate]), grid, tokens);
  return y;
}
