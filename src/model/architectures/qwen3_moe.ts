/** Qwen3-MoE (Yang et al. 2025, arXiv:2505.09388): Qwen3 with mixtures of experts. */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readKeys } from '../config.ts';
import { headNormVecs } from '../weights/spec.ts';
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
import { readQwenExperts } from './qwen2_moe.ts';

export const qwen3Moe: Architecture<MixtralConfig, MixtralWeights> = {
  modelType: 'qwen3_moe',
  gguf: {
    name: 'qwen3moe',
    permutesQK: false,
    configKeys: { ...expertGguf.configKeys, moe_intermediate_size: 'expert_feed_forward_length' },
    // llama.cpp normalizes in any case, as all released checkpoints want it.
    absent: { norm_topk_prob: true },
    tensorNames: {
      ...expertGguf.tensorNames,
      ...headNormGguf,
    },
  },

  config: (source) => {
    const { attention_bias: bias } = readKeys(source, z.object({ attention_bias: z.boolean().default(false) }));
    const shared = readLlamaConfig(source, 'qwen3_moe');
    return {
      ...shared,
      ...readQwenExperts(source, shared.numHiddenLayers, { count: 128, k: 8, size: 768 }),
      biases: { qkv: bias, o: bias, mlp: false },
      slidingWindows: Array<number | null>(shared.numHiddenLayers).fill(null),
    };
  },

  weights: (c) =>
    mixtralWeights(c, (prefix, i) => ({
      ...mixtralLayerWeights(c, prefix, i),
      headNorms: headNormVecs(`${prefix}.self_attn`, c.headDim),
    })),
  caches: (c) => mixtral.caches(c),
  create: (c, w, parts) => mixtral.create(c, w, parts),
};
