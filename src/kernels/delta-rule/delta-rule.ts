/**
 * The gated delta rule: for each value head `S ← decay·S`, `S ← S + k ⊗ (v - Sᵀk)·beta`, `y = Sᵀq / √Dk`
 * (delta-rule.reference.ts).
 *
 * Shapes: `qkv [T, 2·Hk·Dk + Hv·Dv]`, gates `[T, W]` with b and a of Hv columns each from `from` on, `rate`, `stepBias [Hv]`
 * → `y [T, Hv·Dv]`; a state `[Hv, Dk, Dv]`. All f32. Dispatch: an invocation owns one column of one head's state in one run of
 * tokens and goes through them in order. Limits: Dk is a constant of the text, and so many values are held by each
 * invocation; Hv, runs ≤ 65,535. Source: Gated Delta Networks, Yang et al. 2024, arXiv:2412.06464, in its recurrent form.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { GpuStateLayer } from '../kv-cache/kv-cache.ts';
import type { Columns, DeltaRuleSpec, StatePart, Step } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';

export function deltaRule(
  ctx: WebGPUContext,
  qkv: Tensor,
  { of: gates, from }: Columns,
  { keyHeads, valueHeads, keyDim: KEY_DIM, valueDim, rate, stepBias }: DeltaRuleSpec,
  { layer, offset }: StatePart,
  step: Step,
): GpuTensor {
  const { buffer, stateRuns } = (step as GpuStep).storage;
  const { states } = (layer as GpuStateLayer).storage;
  const y = ctx.tensor([step.numTokens, valueHeads * valueDim], 'f32');
  const source = () => compose('delta-rule.wgsl', import.meta.url, { KEY_DIM });
  const kernel = ctx.pipelines.get(`delta-rule.${KEY_DIM}`, source);
  const shape = [keyHeads, valueHeads, valueDim, gates.shape[1], from];
  ctx.recorder.dispatch(
    kernel,
    [bufferOf(qkv), bufferOf(gates), bufferOf(rate), bufferOf(stepBias), buffer, states, y.storage],
    new Uint32Array([...shape, stateRuns.offset, layer.floats, offset]),
    Math.ceil(valueDim / 64),
    valueHeads,
    stateRuns.count,
  );
  return y;
}
