/**
 * GLM-4.5 (Z.ai 2025, arXiv:2508.06471): mixtures of experts behind some dense layers, chosen as DeepSeek-V3 does; half of each head
 * rotates.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readKeys } from '../config.ts';
import { readRoutedExperts } from '../expert-config.ts';
import { readRotaryDim } from '../rope-config.ts';
import { biasVec, headNormVecs, repeat } from '../weights/spec.ts';
import { headNormGguf } from '../files/gguf-names.ts';
import { readLlamaConfig } from './llama.ts';
import {
  expertGguf,
  mixtral,
  mixtralLayerWeights,
  mixtralWeights,
  type MixtralConfig,
  type MixtralWeights,
} from './mixtral.ts';

interface Glm4MoeConfig extends MixtralConfig {
  readonly hasHeadNorms: boolean;
}

const glm = { count: 128, k: 8, size: 1408, shared: 0, scale: 1, groups: 1, keptGroups: 1, scores: 'sigmoid' } as const;

const ownKeys = z.object({
  attention_bias: z.boolean().default(false),
  use_qk_norm: z.boolean().default(false),
  first_k_dense_replace: z.int().nonnegative().nullish(),
  num_nextn_predict_layers: z.int().nonnegative().nullish(),
});

/** What metadata and tensors of GGUF files say of such experts, in other architectures too. */
export const routedGguf = {
  configKeys: {
    ...Object.fromEntries(Object.entries(expertGguf.configKeys).filter(([key]) => key !== 'num_local_experts')),
    n_routed_experts: 'expert_count',
    n_shared_experts: 'expert_shared_count',
    moe_intermediate_size: 'expert_feed_forward_length',
    first_k_dense_replace: 'leading_dense_block_count',
    norm_topk_prob: 'expert_weights_norm',
    routed_scaling_factor: 'expert_weights_scale',
    n_group: 'expert_group_count',
    topk_group: 'expert_group_used_count',
    num_nextn_predict_layers: 'nextn_predict_layers',
  },
  tensorNames: {
    ...expertGguf.tensorNames,
    'blk.*.exp_probs_b': 'model.layers.*.mlp.gate.e_score_correction',
    'blk.*.ffn_gate_shexp': 'model.layers.*.mlp.shared_experts.gate_proj',
    'blk.*.ffn_up_shexp': 'model.layers.*.mlp.shared_experts.up_proj',
    'blk.*.ffn_down_shexp': 'model.layers.*.mlp.shared_experts.down_proj',
  },
} as const;

export const glm4Moe: Architecture<Glm4MoeConfig, MixtralWeights> = {
  modelType: 'glm4_moe',
  gguf: {
    name: 'glm4moe',
    permutesQK: false,
    rotatesPart: true,
    configKeys: routedGguf.configKeys,
    tensorNames: {
      ...routedGguf.tensorNames,
      'blk.*.post_attention_norm': 'model.layers.*.post_attention_layernorm',
      ...headNormGguf,
    },
  },
  tensorName: (stored) => stored.replace(/e_score_correction_bias$/, 'e_score_correction.bias'),

  config: (source) => {
    const c = readKeys(source, ownKeys);
    const shared = readLlamaConfig(source, 'glm4_moe', { normEps: 1e-5, allowsPartial: true });
    return {
      ...shared,
      experts: readRoutedExperts(source, glm),
      isSparse: repeat(shared.numHiddenLayers, (i) => i >= (c.first_k_dense_replace ?? 0)),
      rotaryDim: readRotaryDim(source, shared.headDim, 0.5),
      hasHeadNorms: c.use_qk_norm,
      draftLayers: c.num_nextn_predict_layers ?? 0,
      biases: { qkv: c.attention_bias, o: false, mlp: false },
      slidingWindows: Array<number | null>(shared.numHiddenLayers).fill(null),
    };
  },

  weights: (c) =>
    mixtralWeights(c, (prefix, i) => ({
      ...mixtralLayerWeights(c, prefix, i, { shared: 'shared_experts' }),
      headNorms: c.hasHeadNorms ? headNormVecs(`${prefix}.self_attn`, c.headDim) : null,
      choiceBias: c.isSparse[i] ? biasVec(`${prefix}.mlp.gate.e_score_correction`, c.experts.count) : null,
    })),
  caches: (c) => mixtral.caches(c),
  create: (c, w, parts) => mixtral.create(c, w, parts),
};
