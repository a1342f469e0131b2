/**
 * The decoder of models with LayerNorm: attention and MLP one behind the other (StarCoder2) or side by side on the same
 * residual stream (Phi, GPT-NeoX, Cohere), positions by rotation. T = tokens of the step, H = hidden_size.
 */
import type { HeadNorms, LayerNormSpec, Linear, Matrix, ModelOps, Step } from '../../kernels/ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { ModelParts } from '../architecture.ts';
import type { LayerCache } from '../cache-plan.ts';
import type { DecoderConfig } from '../config.ts';
import { biasVec, vec, type VecSpec } from '../weights/spec.ts';
import { attend, attentionSpec, gatedMlp, plainMlp, type AttentionBlock } from './decoder-layer.ts';
import { Decoder } from './decoder.ts';
import type { RopeParameters } from './rope.ts';

export interface LayerNormDecoderConfig extends DecoderConfig {
  readonly ropeParameters: RopeParameters;
  /** Dimensions of each head that rotate. */
  readonly rotaryDim: number;
  /** Pairs of neighbours rotate, not of halves. */
  readonly isInterleaved: boolean;
  /** Per layer: whether it is told positions at all. */
  readonly rotates: readonly boolean[];
  /** Per layer: how many keys a query sees, itself included; null sees all. */
  readonly slidingWindows: readonly (number | null)[];
  /** The MLP reads what attention reads, not what it gives. */
  readonly isParallel: boolean;
  /** Of ALiBi; null where positions are told otherwise. */
  readonly alibi?: number | null;
  /** Multiplies the logits. */
  readonly logitScale: number;
}

/** `T`: leaves of the declaration, or tensors. */
export interface StoredLayerNorm<T> {
  readonly weight: T;
  readonly bias: T | null;
}

/** `NAME.weight` and, where it has one, `NAME.bias`, both [length]. */
export function layerNormWeights(
  name: string,
  length: number,
  { bias = true, plus = 0 }: { bias?: boolean; plus?: number } = {},
): { readonly weight: VecSpec; readonly bias: VecSpec | null } {
  return { weight: vec(name, length, { plus }), bias: bias ? biasVec(name, length) : null };
}

export function layerNorm({ weight, bias }: StoredLayerNorm<Tensor>, eps: number): LayerNormSpec {
  return { kind: 'layer', weight, ...(bias && { bias }), eps };
}

interface LayerWeights {
  readonly norm: StoredLayerNorm<Tensor>;
  readonly qkv: Linear;
  /** LayerNorm without bias. */
  readonly headNorms: Pick<HeadNorms, 'query' | 'key'> | null;
  readonly o: Linear;
  /** Null in parallel layers with one norm for both blocks. */
  readonly mlpNorm: StoredLayerNorm<Tensor> | null;
  /** Gate and up stacked, or up alone. */
  readonly mlp: { readonly gateUp: Linear; readonly down: Linear } | { readonly up: Linear; readonly down: Linear };
}

export interface LayerNormDecoderWeights {
  readonly embedTokens: Matrix;
  readonly layers: readonly LayerWeights[];
  readonly norm: StoredLayerNorm<Tensor>;
  readonly lmHead: Matrix | null;
  readonly lmHeadBias: Tensor | null;
}

export function layerNormCaches(c: LayerNormDecoderConfig): LayerCache[] {
  return c.slidingWindows.map((window) => ({ kind: 'kv', heads: c.numKeyValueHeads, headDim: c.headDim, window }));
}

export function createLayerNormDecoder(c: LayerNormDecoderConfig, w: LayerNormDecoderWeights, parts: ModelParts) {
  const eps = c.normEps;
  const rotary = parts.rotary(c.ropeParameters, c.headDim, c.rotaryDim, c.isInterleaved);
  return new Decoder({
    config: c,
    caches: layerNormCaches(c),
    head: w.lmHead ?? w.embedTokens,
    ...(w.lmHeadBias && { headBias: w.lmHeadBias }),
    scoreHead: parts.scoreHead,
    rotary,
    embed: (ops, step) => ops.embedding(step, w.embedTokens),
    layer: (ops, x, i, step, kv) => {
      const scores = attentionSpec(c.numAttentionHeads, c.headDim ** -0.5, c.slidingWindows[i]);
      const attention = { ...scores, ...(c.alibi && { alibi: c.alibi }) };
      const { qkv, o, headNorms: norms } = w.layers[i];
      const headNorms = norms && { ...norms, kind: 'layer' as const };
      const block = { qkv, o, headNorms, eps, rotary: c.rotates[i] ? rotary : null, attention, kv };
      return runLayer(ops, x, w.layers[i], { c, block }, step);
    },
    norm: (ops, x, option) => ops.norm(x, layerNorm(w.norm, eps), option),
    logits: (ops, logits) => (c.logitScale === 1 ? logits : ops.scale(logits, c.logitScale)),
  });
}

function runLayer(
  ops: ModelOps,
  x: Tensor,
  layer: LayerWeights,
  { c, block }: { c: LayerNormDecoderConfig; block: AttentionBlock },
  step: Step,
): Tensor {
  const { mlp, mlpNorm } = layer;
  const { activation, normEps: eps } = c;
  const normed = ops.norm(x, layerNorm(layer.norm, eps));
  const attended = attend(ops, normed, block, step, x);
  if (!c.isParallel) ops.named('hook_resid_mid', attended);
  const to = 'gateUp' in mlp ? mlp.gateUp.weight : mlp.up.weight;
  const mlpIn = mlpNorm ? ops.norm(c.isParallel ? x : attended, layerNorm(mlpNorm, eps), { to }) : normed;
  if ('gateUp' in mlp) return gatedMlp(ops, mlpIn, { ...mlp, activation }, attended);
  return plainMlp(ops, mlpIn, { ...mlp, activation }, attended);
}
