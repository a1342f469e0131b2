/**
 * DeepSeek-V2, V2-Lite and their Coder models (DeepSeek-AI 2024, arXiv:2405.04434): multi-head latent attention, then experts
 * chosen by the softmax of their logits, in groups of which a token takes some, beside experts that all tokens take. The
 * reader of its config is that of V3 and of those like it too.
 */
import { z } from 'zod';
import type { Architecture, GgufMapping } from '../architecture.ts';
import { count, readDecoderConfig, readKeys, requireValue, unsupported, type ConfigSource } from '../config.ts';
import { readRoutedExperts, type RoutedDefaults } from '../expert-config.ts';
import { latentGguf } from '../files/gguf-names.ts';
import { readLatentDims } from '../latent-config.ts';
import {
  createLatentDecoder,
  latentDecoderCaches,
  latentDecoderWeights,
  type LatentDecoderConfig,
  type LatentDecoderWeights,
} from '../layers/latent-decoder.ts';
import { longestContext, readRope } from '../rope-config.ts';
import { repeat } from '../weights/spec.ts';
import { routedGguf } from './glm4_moe.ts';

/** Where the models differ: what is computed, and transformers' defaults. */
interface Deepseek extends RoutedDefaults {
  /** `topk_method`, the default first. */
  readonly methods: readonly string[];
  /** Layers without experts, the first ones. */
  readonly denseLayers: number;
  readonly normEps?: number;
}

const sharedKeys = z.object({
  attention_bias: z.boolean().default(false),
  rope_interleave: z.boolean().nullish(),
  first_k_dense_replace: z.int().nonnegative().nullish(),
  moe_layer_freq: count.default(1),
  scoring_func: z.string().optional(),
  topk_method: z.string().nullish(),
  num_nextn_predict_layers: z.int().nonnegative().nullish(),
});

/** The config of DeepSeek-V2, of V3 and of their like. */
export function readDeepseek(
  source: ConfigSource,
  modelType: string,
  { methods, denseLayers, normEps, ...routed }: Deepseek,
): LatentDecoderConfig {
  const c = readKeys(source, sharedKeys);
  requireValue(source, 'moe_layer_freq', c.moe_layer_freq, 1);
  requireValue(source, 'scoring_func', c.scoring_func ?? routed.scores, routed.scores);
  const method = c.topk_method ?? methods[0];
  if (!methods.includes(method)) throw unsupported(source.file, source.keyName('topk_method'), method, methods);
  const dims = readLatentDims(source);
  const own = { headDim: dims.qkRopeHeadDim, ...(normEps !== undefined && { normEps }) };
  const shared = readDecoderConfig(source, modelType, own);
  const ropeParameters = readRope(source);
  // Null is none: what metadata says as 0.
  const { first_k_dense_replace: firstSparse = denseLayers } = c;
  return {
    ...shared,
    ...dims,
    ropeParameters,
    maxPositionEmbeddings: longestContext(shared.maxPositionEmbeddings, ropeParameters),
    isInterleaved: c.rope_interleave ?? true,
    attentionBias: c.attention_bias,
    experts: readRoutedExperts(source, routed),
    hasChoiceBias: method === 'noaux_tc',
    isSparse: repeat(shared.numHiddenLayers, (i) => i >= (firstSparse ?? 0)),
    draftLayers: c.num_nextn_predict_layers ?? 0,
  };
}

/** V2 and V3 are one architecture to llama.cpp. */
export const deepseekGguf: GgufMapping = {
  name: 'deepseek2',
  permutesQK: false,
  isLatent: true,
  configKeys: { ...routedGguf.configKeys, ...latentGguf.configKeys, scoring_func: 'expert_gating_func' },
  tensorNames: { ...routedGguf.tensorNames, ...latentGguf.tensorNames },
  absent: { n_group: 1, topk_group: 1, norm_topk_prob: false, routed_scaling_factor: 1 },
  more: ({ expert_gating_func: gating }) => ({
    ...(gating !== undefined && { scoring_func: gatingFunctions[Number(gating)] ?? `number ${Number(gating)}` }),
  }),
};

/** ExpertGatingFuncType of the gguf package. */
const gatingFunctions: Readonly<Record<number, string>> = { 1: 'softmax', 2: 'sigmoid' };

const ownKeys = z.object({
  mlp_bias: z.boolean().default(false),
  norm_topk_prob: z.boolean().nullish(),
  topk_method: z.string().nullish(),
});

export const deepseekV2: Architecture<LatentDecoderConfig, LatentDecoderWeights> = {
  modelType: 'deepseek_v2',
  gguf: {
    ...deepseekGguf,
    // Not said in metadata: a model that has groups chooses from some of them.
    more: (metadata) => ({
      ...deepseekGguf.more?.(metadata),
      topk_method: Number(metadata.expert_group_count ?? 1) > 1 ? 'group_limited_greedy' : 'greedy',
    }),
  },

  config: (source) => {
    const c = readKeys(source, ownKeys);
    requireValue(source, 'mlp_bias', c.mlp_bias, false);
    // transformers ignores it, the checkpoints' own code leaves the scale out then, llama.cpp applies both: no model of V2 has it.
    requireValue(source, 'norm_topk_prob', c.norm_topk_prob ?? false, false);
    const shared = readDeepseek(source, 'deepseek_v2', {
      ...{ count: 64, k: 6, size: 1407, shared: 2, scale: 1, groups: 1, keptGroups: 1, scores: 'softmax' },
      methods: ['greedy', 'group_limited_greedy'],
      denseLayers: 0,
    });
    const isLimited = c.topk_method === 'group_limited_greedy';
    const groups = isLimited && shared.experts.groups ? { ...shared.experts.groups, worth: 'max' as const } : null;
    return { ...shared, isInterleaved: true, experts: { ...shared.experts, normalizes: false, groups } };
  },

  weights: latentDecoderWeights,
  caches: latentDecoderCaches,
  create: createLatentDecoder,
};
