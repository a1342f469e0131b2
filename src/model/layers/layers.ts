/**
 * The blocks of a pre-norm decoder, written once over Ops. T = tokens of the step, H = hidden_size, D = head_dim,
 * Hq/Hkv = query/key-value heads, I = intermediate_size. The residual stream x [T, H] is f32 throughout.
 */
import type { DecoderLayer, KVCache, Linear, Matrix, Ops, RotarySpec, Step } from '../../kernels/ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { ModelConfig } from '../config.ts';
import type { ScoreHead } from './score-head.ts';

/** One layer's tensors, as they are loaded. */
export type DecoderLayerWeights = Pick<
  DecoderLayer,
  'inputNorm' | 'qkv' | 'o' | 'postAttentionNorm' | 'gateUp' | 'down'
>;

export interface DecoderWeights {
  /** [V, H] */
  readonly embedTokens: Matrix;
  readonly layers: readonly DecoderLayerWeights[];
  /** [H] */
  readonly norm: Tensor;
  /** [V, H]; the same object as embedTokens when tied; null in a reward model. */
  readonly lmHead: Matrix | null;
  readonly scoreHead: ScoreHead | null;
}

/** Layer i of a model over its keys and values. */
export function decoderLayer(
  { layers }: DecoderWeights,
  i: number,
  config: ModelConfig,
  rotary: RotarySpec,
  kv: KVCache,
): DecoderLayer {
  const slidingWindow = config.slidingWindows[i];
  return {
    ...layers[i],
    rmsNormEps: config.rmsNormEps,
    rotary,
    attention: {
      heads: config.numAttentionHeads,
      scale: 1 / Math.sqrt(config.headDim),
      ...(slidingWindow === null ? {} : { slidingWindow }),
    },
    kv: kv.layers[i],
  };
}

/** x [T, H] → [T, H] */
export function runDecoderLayer(ops: Ops, x: Tensor, layer: DecoderLayer, step: Step): Tensor {
  return ops.fusedDecoderLayer(x, layer, step) ?? mlpBlock(ops, attentionBlock(ops, x, layer, step), layer);
}

/** x + Wo · attention(rope(Wqkv · rmsNorm(x))): x [T, H] → [T, H] */
function attentionBlock(ops: Ops, x: Tensor, layer: DecoderLayer, step: Step): Tensor {
  // Without `to`, so f32 even with --activation_dtype int8: this one input makes half of int8's divergence (docs/log.md).
  const normed = ops.rmsNorm(x, layer.inputNorm, layer.rmsNormEps);
  const qkv = linear(ops, normed, layer.qkv);
  const q = ops.rotaryStoreKV(qkv, layer.rotary, layer.kv, step);
  const attended = ops.attention(q, layer.kv, step, layer.attention, { to: layer.o.weight });
  return linear(ops, attended, layer.o, x);
}

/** x + Wdown · (silu(Wgate · rmsNorm(x)) · (Wup · rmsNorm(x))): x [T, H] → [T, H] */
function mlpBlock(ops: Ops, x: Tensor, layer: DecoderLayer): Tensor {
  const normed = ops.rmsNorm(x, layer.postAttentionNorm, layer.rmsNormEps, { to: layer.gateUp.weight });
  const gateUp = linear(ops, normed, layer.gateUp);
  const activated = ops.siluMul(gateUp, { to: layer.down.weight });
  return linear(ops, activated, layer.down, x);
}

function linear(ops: Ops, x: Tensor, { weight, bias }: Linear, residual?: Tensor): Tensor {
  return ops.matmul(x, weight, { ...(bias && { bias }), ...(residual && { residual }) });
}
