/**
 * Causal convolution of each channel by itself, with state: `y[t] = f(bias + Σ_j weight[j] · u[t - K + 1 + j])`; u is x, or
 * `B · x`, and then `C` multiplies y.
 *
 * Shapes: `x [T, W]` (C columns from `from` on, or B, C and x of C columns each), `weight [C, K]`, `bias [C]` → `y [T, C]`;
 * a state `[K - 1, C]`. All f32. Dispatch: an invocation owns one channel of one run of tokens and goes through them in
 * order, so that nothing depends on how many runs there are. Limits: K is a constant of the text; runs ≤ 65,535. Sources: LFM2
 * (transformers' modeling_lfm2.py); Mamba, Gu and Dao 2023, with SiLU.
 */
import { compose } from '../../gpu/wgsl.ts';
import { activationCode } from '../activation/activation.ts';
import type { GpuStateLayer } from '../kv-cache/kv-cache.ts';
import type { Columns, ShortConvSpec, StatePart, Step } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';

export function shortConv(
  ctx: WebGPUContext,
  { of: x, from }: Columns,
  { weight, bias, channels, activation, gated = false }: ShortConvSpec,
  { layer, offset }: StatePart,
  step: Step,
): GpuTensor {
  const { buffer, stateRuns } = (step as GpuStep).storage;
  const { states } = (layer as GpuStateLayer).storage;
  const TAPS = weight.shape[0] / channels;
  const y = ctx.tensor([step.numTokens, channels], 'f32');
  const kernel = ctx.pipelines.get(`short-conv.${TAPS}`, () => compose('short-conv.wgsl', import.meta.url, { TAPS }), {
    GATED: gated ? 1 : 0,
    BIASED: bias ? 1 : 0,
    ACTIVATED: activation ? 1 : 0,
    ACTIVATION: activationCode[activation ?? 'silu'],
  });
  ctx.recorder.dispatch(
    kernel,
    [bufferOf(x), bufferOf(weight), bufferOf(bias ?? weight), buffer, states, y.storage],
    new Uint32Array([channels, x.shape[1], from, stateRuns.offset, layer.floats, offset]),
    Math.ceil(channels / 64),
    stateRuns.count,
  );
  return y;
}
