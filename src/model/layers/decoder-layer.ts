/**
 * The pre-norm decoder layer of Llama and its like, written over Ops, and the two blocks it is made of, for layers that
 * are put together otherwise. T = tokens of the step, H = hidden_size, D = head_dim, Hq/Hkv = query/key-value heads,
 * I = intermediate_size. The residual stream x [T, H] is f32 throughout.
 */
import type {
  Activation,
  AttentionSpec,
  ConsumerOption,
  GatedActivation,
  HeadNorms,
  KVLayer,
  Linear,
  ModelOps,
  RotarySpec,
  Step,
} from '../../kernels/ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** The attention of a layer: weights as loaded, and how to compute with them. */
export interface AttentionBlock {
  /** [(Hq + 2·Hkv)·D, H]: q, k and v stacked, one product for all three. */
  readonly qkv: Linear;
  /** Between qkv and the rotation; null in most. */
  readonly headNorms: HeadNorms | null;
  /** They are behind the rotation. */
  readonly normsRotated?: boolean;
  /** [Hq·D, H]: its sigmoid multiplies what attention gives; in most there is none. */
  readonly outputGate?: Linear;
  /** [H, Hq·D] */
  readonly o: Linear;
  /** Of the norms of heads. */
  readonly eps: number;
  /** Null where positions are told otherwise. */
  readonly rotary: RotarySpec | null;
  readonly attention: AttentionSpec;
  readonly kv: KVLayer;
}

export interface GatedMlp {
  /** [2·I, H]: gate and up stacked. */
  readonly gateUp: Linear;
  /** [H, I] */
  readonly down: Linear;
  readonly activation: GatedActivation;
}

export interface PlainMlp {
  readonly up: Linear;
  readonly down: Linear;
  readonly activation: Activation;
}

/** A norm before each of the two, the residual stream past both. */
export interface DecoderLayer extends AttentionBlock, GatedMlp {
  /** [H] */
  readonly inputNorm: Tensor;
  /** [H] */
  readonly postAttentionNorm: Tensor;
}

/** x [T, H] → [T, H] */
export function runDecoderLayer(ops: ModelOps, x: Tensor, layer: DecoderLayer, step: Step): Tensor {
  const { eps } = layer;
  const attended = attend(ops, ops.norm(x, { kind: 'rms', weight: layer.inputNorm, eps }), layer, step, x);
  ops.named('hook_resid_mid', attended);
  const mlpNorm = { kind: 'rms', weight: layer.postAttentionNorm, eps } as const;
  return gatedMlp(ops, ops.norm(attended, mlpNorm, { to: layer.gateUp.weight }), layer, attended);
}

/**
 * Wo · attention(rope(Wqkv · x)) (+ residual): x [T, H] → [T, H]; with an output gate Wo · (attention(…) · sigmoid(Wgate · x)).
 * x comes without `to`, so f32 even with --activation_dtype int8: this one input makes half of int8's divergence (docs/log.md).
 */
export function attend(ops: ModelOps, x: Tensor, block: AttentionBlock, step: Step, residual?: Tensor): Tensor {
  const stacked = linear(ops, x, block.qkv);
  const { headNorms, rotary, kv, outputGate, o } = block;
  const rotatesFirst = block.normsRotated === true && rotary !== null;
  const turned = rotatesFirst ? ops.rotate(stacked, rotary, kv, step) : stacked;
  const qkv = headNorms ? ops.headNorm(turned, headNorms, block.eps, kv) : turned;
  const q = ops.rotaryStoreKV(qkv, rotatesFirst ? null : rotary, kv, step);
  const attended = ops.attention(q, block.kv, step, block.attention, outputGate ? {} : { to: o.weight });
  const z = outputGate ? ops.sigmoidGate(attended, linear(ops, x, outputGate)) : attended;
  return linear(ops, ops.named('attn.hook_z', z), o, residual);
}

/** Wdown · (activation(Wgate · x) · (Wup · x)) (+ residual): x [T, H] → [T, H] */
export function gatedMlp(ops: ModelOps, x: Tensor, mlp: GatedMlp, residual?: Tensor): Tensor {
  const gateUp = linear(ops, x, mlp.gateUp);
  const active = ops.gatedMul(gateUp, mlp.activation, { to: mlp.down.weight });
  return linear(ops, ops.named('mlp.hook_post', active), mlp.down, residual);
}

/** Wdown · activation(Wup · x) (+ residual): x [T, H] → [T, H] */
export function plainMlp(ops: ModelOps, x: Tensor, { up, down, activation }: PlainMlp, residual?: Tensor): Tensor {
  const active = ops.activate(linear(ops, x, up), activation, { to: down.weight });
  return linear(ops, ops.named('mlp.hook_post', active), down, residual);
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
export function postNormLayer(ops: ModelOps, x: Tensor, layer: PostNormLayer, step: Step): Tensor {
  const { inputNorm, attentionNorm, mlpInputNorm, mlpNorm, eps } = layer;
  const normed = (y: Tensor, weight: Tensor | null, option?: ConsumerOption) =>
    weight ? ops.norm(y, { kind: 'rms', weight, eps }, option) : y;
  const attended = attend(ops, normed(x, inputNorm), layer, step);
  const mid = ops.named('hook_resid_mid', ops.add(x, normed(attended, attentionNorm)));
  const mlpIn = normed(mid, mlpInputNorm, { to: layer.gateUp.weight });
  return ops.add(mid, normed(gatedMlp(ops, mlpIn, layer), mlpNorm));
}

/** x · Wᵀ (+ bias) (+ residual) (+ what each token's adapter adds) */
export function linear(ops: ModelOps, x: Tensor, { weight, bias, lora }: Linear, residual?: Tensor): Tensor {
  const y = ops.matmul(x, weight, { ...(bias && { bias }), ...(residual && { residual }) });
  return lora ? ops.addLora(y, x, lora) : y;
}

export function attentionSpec(
  heads: number,
  scale: number,
  window: number | null,
  softcap: number | null = null,
): AttentionSpec {
  const windowed = window === null ? {} : { slidingWindow: window };
  return { heads, scale, ...windowed, ...(softcap === null ? {} : { softcap }) };
}
