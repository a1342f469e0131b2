/** Qwen1.5-MoE and Qwen2-MoE (Qwen Team 2024, arXiv:2407.10671): Qwen2 with mixtures of experts, and one that all tokens take, gated. */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { count, readKeys, requireValue, type ConfigSource } from '../config.ts';
import { checkExperts, softmaxExperts } from '../expert-config.ts';
import { repeat } from '../weights/spec.ts';
import { readLlamaConfig } from './llama.ts';
import {
  expertGguf,
  mixtral,
  mixtralLayerWeights,
  mixtralWeights,
  type MixtralConfig,
  type MixtralWeights,
} from './mixtral.ts';

const ownKeys = z.object({
  num_local_experts: count.optional(),
  num_experts: count.optional(),
  num_experts_per_tok: count.optional(),
  moe_intermediate_size: count.optional(),
  norm_topk_prob: z.boolean().optional(),
  decoder_sparse_step: count.default(1),
  mlp_only_layers: z.array(z.int().nonnegative()).nullish(),
  use_sliding_window: z.boolean().default(false),
});

/** Which layers have experts, and how many, as Qwen2-MoE, Qwen3-MoE and Qwen3-Next say it. */
export function readQwenExperts(
  source: ConfigSource,
  layers: number,
  defaults: { readonly count: number; readonly k: number; readonly size: number; readonly normalizes?: boolean },
): Pick<MixtralConfig, 'experts' | 'isSparse'> {
  const c = readKeys(source, ownKeys);
  requireValue(source, 'use_sliding_window', c.use_sliding_window, false);
  const countKey = c.num_local_experts === undefined ? 'num_experts' : 'num_local_experts';
  const experts = {
    ...{ ...softmaxExperts, normalizes: c.norm_topk_prob ?? defaults.normalizes ?? false },
    count: c[countKey] ?? defaults.count,
    k: c.num_experts_per_tok ?? defaults.k,
    size: c.moe_intermediate_size ?? defaults.size,
    sharedSize: 0,
  };
  const dense = new Set(c.mlp_only_layers ?? []);
  return {
    experts: checkExperts(source, experts, { count: countKey, k: 'num_experts_per_tok' }),
    isSparse: repeat(layers, (i) => !dense.has(i) && (i + 1) % c.decoder_sparse_step === 0),
  };
}

/** The tensors of experts, and of one that all tokens take. */
export const sharedExpertGguf = {
  ...expertGguf.tensorNames,
  'blk.*.ffn_gate_inp_shexp': 'model.layers.*.mlp.shared_expert_gate',
  'blk.*.ffn_gate_shexp': 'model.layers.*.mlp.shared_expert.gate_proj',
  'blk.*.ffn_up_shexp': 'model.layers.*.mlp.shared_expert.up_proj',
  'blk.*.ffn_down_shexp': 'model.layers.*.mlp.shared_expert.down_proj',
} as const;

export const qwen2Moe: Architecture<MixtralConfig, MixtralWeights> = {
  modelType: 'qwen2_moe',
  gguf: {
    name: 'qwen2moe',
    permutesQK: false,
    configKeys: {
      ...expertGguf.configKeys,
      moe_intermediate_size: 'expert_feed_forward_length',
      shared_expert_intermediate_size: 'expert_shared_feed_forward_length',
    },
    tensorNames: sharedExpertGguf,
  },

  config: (source) => {
    const own = z.object({ shared_expert_intermediate_size: count.default(5632), qkv_bias: z.boolean().default(true) });
    const { shared_expert_intermediate_size: sharedSize, qkv_bias } = readKeys(source, own);
    const shared = readLlamaConfig(source, 'qwen2_moe');
    const { experts, isSparse } = readQwenExperts(source, shared.numHiddenLayers, { count: 60, k: 4, size: 1408 });
    return {
      ...shared,
      experts: { ...experts, sharedSize },
      isSparse,
      biases: { qkv: qkv_bias, o: false, mlp: false },
      slidingWindows: Array<number | null>(shared.numHiddenLayers).fill(null),
    };
  },

  weights: (c) => {
    const names = { shared: 'shared_expert', sharedGate: 'shared_expert_gate' };
    return mixtralWeights(c, (prefix, i) => mixtralLayerWeights(c, prefix, i, names));
  },
  caches: (c) => mixtral.caches(c),
  create: (c, w, parts) => mixtral.create(c, w, parts),
};
