/**
 * GLM-4.5 (Z.ai 2025, arXiv:2508.06471): mixtures of experts behind some dense layers, chosen as DeepSeek-V3 does; half of each head
 * rotates.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { count, readKeys } from '../config.ts';
import { checkExperts, type ExpertConfig } from '../expert-config.ts';
import { readRotaryDim } from '../rope-config.ts';
import { biasVec, repeat, vec } from '../weights/spec.ts';
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

const ownKeys = z.object({
  attention_bias: z.boolean().default(false),
  use_qk_norm: z.boolean().default(false),
  n_routed_experts: count.default(128),
  n_shared_experts: z.int().nonnegative().nullish(),
  num_experts_per_tok: count.default(8),
  moe_intermediate_size: count.default(1408),
  first_k_dense_replace: z.int().nonnegative().nullish(),
  norm_topk_prob: z.boolean().default(true),
  routed_scaling_factor: z.number().positive().default(1),
  n_group: count.default(1),
  topk_group: count.default(1),
  num_nextn_predict_layers: z.int().nonnegative().nullish(),
});

export const glm4Moe: Architecture<Glm4MoeConfig, MixtralWeights> = {
  modelType: 'glm4_moe',
  gguf: {
    name: 'glm4moe',
    permutesQK: false,
    rotatesPart: true,
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
      'blk.*.post_attention_norm': 'model.layers.*.post_attention_layernorm',
      'blk.*.attn_q_norm': 'model.layers.*.self_attn.q_norm',
      'blk.*.attn_k_norm': 'model.layers.*.self_attn.k_norm',
      'blk.*.exp_probs_b': 'model.layers.*.mlp.gate.e_score_correction',
      'blk.*.ffn_gate_shexp': 'model.layers.*.mlp.shared_experts.gate_proj',
      'blk.*.ffn_up_shexp': 'model.layers.*.mlp.shared_experts.up_proj',
      'blk.*.ffn_down_shexp': 'model.layers.*.mlp.shared_experts.down_proj',
    },
  },
  tensorName: (stored) => stored.replace(/e_score_correction_bias$/, 'e_score_correction.bias'),

  config: (source) => {
    const c = readKeys(source, ownKeys);
    const shared = readLlamaConfig(source, 'glm4_moe', { normEps: 1e-5, allowsPartial: true });
    const experts: ExpertConfig = {
      count: c.n_routed_experts,
      k: c.num_experts_per_tok,
      size: c.moe_intermediate_size,
      sharedSize: c.moe_intermediate_size * (c.n_shared_experts ?? 0),
      routerBias: false,
      scores: 'sigmoid',
      normalizes: c.norm_topk_prob,
      scale: c.routed_scaling_factor,
      groups: c.n_group > 1 ? { count: c.n_group, kept: c.topk_group, worth: 'topTwo' } : null,
    };
    return {
      ...shared,
      experts: checkExperts(source, experts, { count: 'n_routed_experts', k: 'num_experts_per_tok' }),
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
      headNorms: c.hasHeadNorms
        ? {
            query: vec(`${prefix}.self_attn.q_norm`, c.headDim),
            key: vec(`${prefix}.self_attn.k_norm`, c.headDim),
          }
        : null,
      choiceBias: c.isSparse[i] ? biasVec(`${prefix}.mlp.gate.e_score_correction`, c.experts.count) : null,
    })),
  caches: (c) => mixtral.caches(c),
  create: (c, w, parts) => mixtral.create(c, w, parts),
};
