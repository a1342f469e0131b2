/** A whole decoder layer in one kernel: `cpu-adapter` (lavapipe) has one for decode steps, `gpu` has none. */
import type { Tensor } from '../../tensor/tensor.ts';
import type { DecoderLayer, Step } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import type { GpuTensor, WebGPUContext } from '../webgpu-context.ts';
import { lanesDecoderLayer } from './decoder-layer.lanes.ts';

/** x [T, H] → [T, H], or null: do it op by op. */
export function fusedDecoderLayer(ctx: WebGPUContext, x: Tensor, layer: DecoderLayer, step: Step): GpuTensor | null {
  return ctx.kernelSet === 'cpu-adapter' ? lanesDecoderLayer(ctx, x, layer, step as GpuStep) : null;
}
