/**
 * The decoder of DeepSeek-V2 and its like, all but their config: multi-head latent attention, then an MLP that is dense in some layers
 * and a mixture of experts in the others.
 */
import type { LatentLayer } from '../../kernels/ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { ModelParts } from '../architecture.ts';
import type { LatentLayerCache } from '../cache-plan.ts';
import type { DecoderConfig } from '../config.ts';
import { routeSpec, type ExpertConfig } from '../expert-config.ts';
import { latentCache } from '../latent-config.ts';
import {
  biasVec,
  head,
  lin,
  repeat,
  table,
  vec,
  type LinSpec,
  type Loaded,
  type TableSpec,
  type VecSpec,
} from '../weights/spec.ts';
import { gatedMlp } from './decoder-layer.ts';
import { Decoder } from './decoder.ts';
import { expertMlp, expertMlpWeights, expertNames, type ExpertMlpWeights } from './expert-mlp.ts';
import {
  attendLatents,
  latentAttentionWeights,
  type LatentAttentionWeights,
  type LatentDims,
} from './latent-attention.ts';
import { scoreScale, type RopeParameters } from './rope.ts';

export interface LatentDecoderConfig extends DecoderConfig, LatentDims {
  readonly ropeParameters: RopeParameters;
  /** Neighbours rotate together. */
  readonly isInterleaved: boolean;
  readonly attentionBias: boolean;
  readonly experts: ExpertConfig;
  /** Experts are chosen by their score and a bias of each (e_score_correction_bias). */
  readonly hasChoiceBias: boolean;
  /** Whether layer i has experts. */
  readonly isSparse: readonly boolean[];
}

// Types, not interfaces: branches of the tree of weights.
type LayerWeights = LatentAttentionWeights & {
  readonly inputNorm: VecSpec;
  readonly postAttentionNorm: VecSpec;
  /** One of the two. */
  readonly dense: { readonly gateUp: LinSpec; readonly down: LinSpec } | null;
  readonly sparse: ExpertMlpWeights | null;
  readonly choiceBias: VecSpec | null;
};

export type LatentDecoderWeights = {
  readonly embedTokens: TableSpec;
  readonly layers: readonly LayerWeights[];
  readonly norm: VecSpec;
  readonly lmHead: TableSpec | null;
};

export function latentDecoderWeights(c: LatentDecoderConfig): LatentDecoderWeights {
  return {
    embedTokens: table('model.embed_tokens', c.vocabSize, c.hiddenSize),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, i)),
    norm: vec('model.norm', c.hiddenSize),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
  };
}

function layerWeights(c: LatentDecoderConfig, i: number): LayerWeights {
  const { hiddenSize: h, intermediateSize, experts } = c;
  const prefix = `model.layers.${i}`;
  const mlp = (part: string) => `${prefix}.mlp.${part}`;
  const isSparse = c.isSparse[i];
  return {
    inputNorm: vec(`${prefix}.input_layernorm`, h),
    ...latentAttentionWeights(c, prefix, c.attentionBias),
    postAttentionNorm: vec(`${prefix}.post_attention_layernorm`, h),
    dense: isSparse
      ? null
      : {
          gateUp: lin({ [mlp('gate_proj')]: intermediateSize, [mlp('up_proj')]: intermediateSize }, h),
          down: lin({ [mlp('down_proj')]: h }, intermediateSize),
        },
    sparse: isSparse
      ? expertMlpWeights(experts, h, { ...expertNames(`${prefix}.mlp`), shared: mlp('shared_experts') })
      : null,
    choiceBias: isSparse && c.hasChoiceBias ? biasVec(mlp('gate.e_score_correction'), experts.count) : null,
  };
}

export function latentDecoderCaches(c: LatentDecoderConfig): readonly LatentLayerCache[] {
  return repeat(c.numHiddenLayers, () => latentCache(c));
}

export function createLatentDecoder(
  c: LatentDecoderConfig,
  w: Loaded<LatentDecoderWeights>,
  parts: ModelParts,
): Decoder<LatentLayer> {
  const rotary = parts.rotary(c.ropeParameters, c.qkRopeHeadDim, c.qkRopeHeadDim, c.isInterleaved);
  const scale = scoreScale(c.ropeParameters) / Math.sqrt(c.qkNopeHeadDim + c.qkRopeHeadDim);
  const { activation, experts } = c;
  const rms = (weight: Tensor) => ({ kind: 'rms', weight, eps: c.normEps }) as const;
  return new Decoder({
    config: c,
    caches: latentDecoderCaches(c),
    head: w.lmHead ?? w.embedTokens,
    scoreHead: parts.scoreHead,
    rotary,
    embed: (ops, step) => ops.embedding(step, w.embedTokens),
    layer: (ops, x, i, step, cache: LatentLayer) => {
      const { inputNorm, postAttentionNorm, dense, sparse, choiceBias, ...attention } = w.layers[i];
      const block = { ...attention, rotary, heads: c.numAttentionHeads, scale, cache };
      const mid = ops.named('hook_resid_mid', attendLatents(ops, ops.norm(x, rms(inputNorm)), block, step, x));
      const mlpNorm = rms(postAttentionNorm);
      if (dense)
        return gatedMlp(ops, ops.norm(mid, mlpNorm, { to: dense.gateUp.weight }), { ...dense, activation }, mid);
      if (!sparse) return mid;
      const how = { route: routeSpec(experts, choiceBias), activation };
      return expertMlp(ops, (option) => ops.norm(mid, mlpNorm, option), sparse, how, mid);
    },
    norm: (ops, x, option) => ops.norm(x, rms(w.norm), option),
  });
}
