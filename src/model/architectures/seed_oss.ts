/** Seed-OSS (ByteDance Seed 2025, model card): Llama with biases on q, k and v, and on the product behind attention if asked. */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readKeys } from '../config.ts';
import { decoderGguf } from '../files/gguf-names.ts';
import { llama, readLlamaConfig, type LlamaConfig, type LlamaWeights } from './llama.ts';

const ownKeys = z.object({
  attention_bias: z.boolean().default(true),
  attention_out_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
});

export const seedOss: Architecture<LlamaConfig, LlamaWeights> = {
  ...llama,
  modelType: 'seed_oss',
  gguf: {
    name: 'seed_oss',
    permutesQK: false,
    configKeys: decoderGguf.configKeys,
    tensorNames: { ...decoderGguf.tensorNames, 'blk.*.post_attention_norm': 'model.layers.*.post_attention_layernorm' },
  },

  config: (source) => {
    const c = readKeys(source, ownKeys);
    const shared = readLlamaConfig(source, 'seed_oss', { headDim: 128 });
    return {
      ...shared,
      biases: { qkv: c.attention_bias, o: c.attention_out_bias, mlp: c.mlp_bias },
      slidingWindows: Array<number | null>(shared.numHiddenLayers).fill(null),
    };
  },
};
