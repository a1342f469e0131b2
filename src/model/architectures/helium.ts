/** Helium 1 (Kyutai 2025, model card): Llama that rotates neighbouring dimensions. */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readKeys } from '../config.ts';
import { llama, readLlamaConfig, type LlamaConfig, type LlamaWeights } from './llama.ts';

const ownKeys = z.object({ attention_bias: z.boolean().default(false), mlp_bias: z.boolean().default(false) });

export const helium: Architecture<LlamaConfig, LlamaWeights> = {
  ...llama,
  modelType: 'helium',
  gguf: null,

  config: (source) => {
    const c = readKeys(source, ownKeys);
    const shared = readLlamaConfig(source, 'helium', { theta: 1e5, headDim: 128, normEps: 1e-8 });
    return {
      ...shared,
      isInterleaved: true,
      biases: { qkv: c.attention_bias, o: false, mlp: c.mlp_bias },
      slidingWindows: Array<number | null>(shared.numHiddenLayers).fill(null),
    };
  },
};
