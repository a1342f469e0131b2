/**
 * Mamba-2's scan: for each head `S ← decay·S + B ⊗ x·Δ`, `y = Sᵀ C + skip·x` (selective-scan.reference.ts).
 *
 * Shapes: `xbc [T, H·P + 2·G·N]`, steps `[T, W]` with H columns from `from` on, `rate`, `stepBias`, `skip [H]` →
 * `y [T, H·P]`; a state `[H, N, P]`. All f32. Dispatch: an invocation owns one column of one head's state in one run of tokens and
 * goes through them in order. Limits: N is a constant of the text, and so many values are held by each invocation; H, runs
 * ≤ 65,535. Source: Mamba-2, Dao and Gu 2024, arXiv:2405.21060, in its recurrent form.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { floatBits } from '../float-bits.ts';
import type { GpuStateLayer } from '../kv-cache/kv-cache.ts';
import type { Columns, SelectiveScanSpec, StatePart, Step } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';

/** In place of an infinite limit, which a compiler may take as absent. */
const MOST = 3e38;

export function selectiveScan(
  ctx: WebGPUContext,
  xbc: Tensor,
  { of: steps, from }: Columns,
  { heads, headDim, groups, stateSize: STATE_SIZE, rate, stepBias, skip, stepLimit: [least, most] }: SelectiveScanSpec,
  { layer, offset }: StatePart,
  step: Step,
): GpuTensor {
  const { buffer, stateRuns } = (step as GpuStep).storage;
  const { states } = (layer as GpuStateLayer).storage;
  const y = ctx.tensor([step.numTokens, heads * headDim], 'f32');
  const source = () => compose('selective-scan.wgsl', import.meta.url, { STATE_SIZE });
  const kernel = ctx.pipelines.get(`selective-scan.${STATE_SIZE}`, source);
  const limits = [floatBits(least), floatBits(Math.min(most, MOST))];
  const vectors = [rate, stepBias, skip].map(bufferOf);
  ctx.recorder.dispatch(
    kernel,
    [bufferOf(xbc), bufferOf(steps), ...vectors, buffer, states, y.storage],
    new Uint32Array([heads, headDim, groups, steps.shape[1], from, ...limits, stateRuns.offset, layer.floats, offset]),
    Math.ceil(headDim / 64),
    heads,
    stateRuns.count,
  );
  return y;
}
