/**
 * The pre-norm decoder layer of Llama and its like, written over Ops, and the two blocks it is made of, for layers that
 * are put together otherwise. T = tokens of the step, H = hidden_size, D = head_dim, Hq/Hkv = query/key-value heads,
 * I = intermediate_size. The residual stream x [T, H] is f32 throughout.
 */
import type {
  Activation,
  AttentionSpec,
  ConsumerOption,
  DecoderLayer,
  Linear,
  Ops,
  RotarySpec,
  Step,
} from '../../kernels/ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** What of a layer runs: `inputNorm … down` as loaded, and how to compute with them. */
export type AttentionBlock = Pick<DecoderLayer, 'qkv' | 'headNorms' | 'o' | 'eps' | 'attention' | 'kv'> & {
  /** Null where positions are told otherwise. */
  readonly rotary: RotarySpec | null;
};
export interface PlainMlp {
  readonly up: Linear;
  readonly down: Linear;
  readonly activation: Activation;
}
export type GatedMlp = Pick<DecoderLayer, 'gateUp' | 'down' | 'activation'>;

/** What the pre-norm layer is made of; a layer that is not told positions has no rotary. */
export type PreNormLayer = Omit<DecoderLayer, 'rotary'> & Pick<AttentionBlock, 'rotary'>;

/** x [T, H] → [T, H] */
export function runDecoderLayer(ops: Ops, x: Tensor, { rotary, ...layer }: PreNormLayer, step: Step): Tensor {
  const fused = rotary && ops.fusedDecoderLayer(x, { ...layer, rotary }, step);
  return fused ?? layerOpByOp(ops, x, { ...layer, rotary }, step);
}

function layerOpByOp(ops: Ops, x: Tensor, layer: PreNormLayer, step: Step): Tensor {
  const { eps } = layer;
  const attended = attend(ops, ops.norm(x, { kind: 'rms', weight: layer.inputNorm, eps }), layer, step, x);
  const mlpNorm = { kind: 'rms', weight: layer.postAttentionNorm, eps } as const;
  return gatedMlp(ops, ops.norm(attended, mlpNorm, { to: layer.gateUp.weight }), layer, attended);
}

/**
 * Wo · attention(rope(Wqkv · x)) (+ residual): x [T, H] → [T, H]. x comes without `to`, so f32 even with
 * --activation_dtype int8: this one input makes half of int8's divergence (docs/log.md).
 */
export function attend(ops: Ops, x: Tensor, block: AttentionBlock, step: Step, residual?: Tensor): Tensor {
  const stacked = linear(ops, x, block.qkv);
  const qkv = block.headNorms ? ops.headNorm(stacked, block.headNorms, block.eps, block.kv) : stacked;
  const q = ops.rotaryStoreKV(qkv, block.rotary, block.kv, step);
  const attended = ops.attention(q, block.kv, step, block.attention, { to: block.o.weight });
  return linear(ops, attended, block.o, residual);
}

/** Wdown · (activation(Wgate · x) · (Wup · x)) (+ residual): x [T, H] → [T, H] */
export function gatedMlp(ops: Ops, x: Tensor, mlp: GatedMlp, residual?: Tensor): Tensor {
  const gateUp = linear(ops, x, mlp.gateUp);
  return linear(ops, ops.gatedMul(gateUp, mlp.activation, { to: mlp.down.weight }), mlp.down, residual);
}

/** Wdown · activation(Wup · x) (+ residual): x [T, H] → [T, H] */
export function plainMlp(ops: Ops, x: Tensor, { up, down, activation }: PlainMlp, residual?: Tensor): Tensor {
  return linear(ops, ops.activate(linear(ops, x, up), activation, { to: down.weight }), down, residual);
}

/** A layer that normalizes what its blocks give, and what they get where there is a norm for it. */
export type PostNormLayer = AttentionBlock &
  GatedMlp & {
    /** [H] all of them, RMSNorm. */
    readonly inputNorm: Tensor | null;
    readonly attentionNorm: Tensor;
    readonly mlpInputNorm: Tensor | null;
    readonly mlpNorm: Tensor;
  };

/** m = x + norm(attention(norm(x))), m + norm(mlp(norm(m))): x [T, H] → [T, H] */
export function postNormLayer(ops: Ops, x: Tensor, layer: PostNormLayer, step: Step): Tensor {
  const { inputNorm, attentionNorm, mlpInputNorm, mlpNorm, eps } = layer;
  const normed = (y: Tensor, weight: Tensor | null, option?: ConsumerOption) =>
    weight ? ops.norm(y, { kind: 'rms', weight, eps }, option) : y;
  const mid = ops.add(x, normed(attend(ops, normed(x, inputNorm), layer, step), attentionNorm));
  const mlpIn = normed(mid, mlpInputNorm, { to: layer.gateUp.weight });
  return ops.add(mid, normed(gatedMlp(ops, mlpIn, layer), mlpNorm));
}

/** x · Wᵀ (+ bias) (+ residual) */
export function linear(ops: Ops, x: Tensor, { weight, bias }: Linear, residual?: Tensor): Tensor {
  return ops.matmul(x, weight, { ...(bias && { bias }), ...(residual && { residual }) });
}

export function attentionSpec(heads: number, scale: number, window: number | null): AttentionSpec {
  return { heads, scale, ...(window === null ? {} : { slidingWindow: window }) };
}
