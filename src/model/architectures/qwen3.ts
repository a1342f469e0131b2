/** Qwen3, dense (Yang et al. 2025, arXiv:2505.09388): Qwen2 without its biases, with RMSNorm on each query and key head. */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readKeys } from '../config.ts';
import { decoderGguf, headNormGguf } from '../files/gguf-names.ts';
import { headNormVecs } from '../weights/spec.ts';
import {
  llama,
  llamaLayerWeights,
  llamaWeights,
  readLlamaConfig,
  type LlamaConfig,
  type LlamaWeights,
} from './llama.ts';
import { readQwenWindows } from './qwen2.ts';

export const qwen3: Architecture<LlamaConfig, LlamaWeights> = {
  ...llama,
  modelType: 'qwen3',
  gguf: {
    name: 'qwen3',
    permutesQK: false,
    configKeys: decoderGguf.configKeys,
    tensorNames: {
      ...decoderGguf.tensorNames,
      ...headNormGguf,
    },
  },

  config: (source) => {
    const { attention_bias: bias } = readKeys(source, z.object({ attention_bias: z.boolean().default(false) }));
    const shared = readLlamaConfig(source, 'qwen3', { headDim: 128 });
    return {
      ...shared,
      biases: { qkv: bias, o: bias, mlp: false },
      slidingWindows: readQwenWindows(source, shared.numHiddenLayers),
    };
  },

  weights: (c) =>
    llamaWeights(c, (prefix) => ({
      ...llamaLayerWeights(c, prefix),
      headNorms: headNormVecs(`${prefix}.self_attn`, c.headDim),
    })),
};
