/** A whole decoder layer in one kernel, where kernel-sets.ts names one. */
import type { Tensor } from '../../tensor/tensor.ts';
import type { DecoderLayer, Step } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import type { GpuTensor, WebGPUContext } from '../webgpu-context.ts';
import { lavapipeDecoderLayer } from './decoder-layer.lavapipe.ts';

/** x [T, H] → [T, H], or null: do it op by op. */
export function fusedDecoderLayer(ctx: WebGPUContext, x: Tensor, layer: DecoderLayer, step: Step): GpuTensor | null {
  return ctx.variant('decoder-layer') ? lavapipeDecoderLayer(ctx, x, layer, step as GpuStep) : null;
}
