/**
 * The blocks of a pre-norm decoder, written once over Ops. T = tokens of the step, H = hidden_size, D = head_dim,
 * Hq/Hkv = query/key-value heads, I = intermediate_size. The residual stream x [T, H] is f32 throughout.
 */
import type { KVLayer, Matrix, Ops, RotarySpec, Step } from '../kernels/ops.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ModelConfig } from './config.ts';

export interface Linear {
  readonly weight: Matrix;
  readonly bias?: Tensor;
}

export interface DecoderLayerWeights {
  /** [H] */
  readonly inputNorm: Tensor;
  /** [(Hq + 2·Hkv)·D, H]: q, k and v stacked, one product for all three. */
  readonly qkv: Linear;
  /** [H, Hq·D] */
  readonly o: Linear;
  /** [H] */
  readonly postAttentionNorm: Tensor;
  /** [2·I, H]: gate and up stacked. */
  readonly gateUp: Linear;
  /** [H, I] */
  readonly down: Linear;
}

export interface DecoderWeights {
  /** [V, H] */
  readonly embedTokens: Matrix;
  readonly layers: readonly DecoderLayerWeights[];
  /** [H] */
  readonly norm: Tensor;
  /** [V, H]; the same object as embedTokens when tied. */
  readonly lmHead: Matrix;
}

/** x + Wo · attention(rope(Wqkv · rmsNorm(x))): x [T, H] → [T, H] */
export function attentionBlock(
  ops: Ops,
  x: Tensor,
  w: DecoderLayerWeights,
  config: ModelConfig,
  rotary: RotarySpec,
  slidingWindow: number | null,
  layer: KVLayer,
  step: Step,
): Tensor {
  // Without `to`, so f32 even with --activation_dtype int8: this one input makes half of int8's divergence (docs/log.md).
  const normed = ops.rmsNorm(x, w.inputNorm, config.rmsNormEps);
  const qkv = linear(ops, normed, w.qkv);
  const q = ops.rotaryStoreKV(qkv, rotary, layer, step);
  const spec = {
    heads: config.numAttentionHeads,
    scale: 1 / Math.sqrt(config.headDim),
    ...(slidingWindow === null ? {} : { slidingWindow }),
  };
  const attended = ops.attention(q, layer, step, spec, { to: w.o.weight });
  return linear(ops, attended, w.o, x);
}

/** x + Wdown · (silu(Wgate · rmsNorm(x)) · (Wup · rmsNorm(x))): x [T, H] → [T, H] */
export function mlpBlock(ops: Ops, x: Tensor, w: DecoderLayerWeights, config: ModelConfig): Tensor {
  const normed = ops.rmsNorm(x, w.postAttentionNorm, config.rmsNormEps, { to: w.gateUp.weight });
  const gateUp = linear(ops, normed, w.gateUp);
  const activated = ops.siluMul(gateUp, { to: w.down.weight });
  return linear(ops, activated, w.down, x);
}

function linear(ops: Ops, x: Tensor, { weight, bias }: Linear, residual?: Tensor): Tensor {
  return ops.matmul(x, weight, { ...(bias && { bias }), ...(residual && { residual }) });
}
