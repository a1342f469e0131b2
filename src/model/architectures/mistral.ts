/** Mistral 7B (Jiang et al. 2023, arXiv:2310.06825): Llama whose layers all see the last `sliding_window` keys only. */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { count, readKeys } from '../config.ts';
import { llama, readLlamaConfig, type LlamaConfig, type LlamaWeights } from './llama.ts';

const ownKeys = z.object({
  /** Later releases set it to null. transformers' default when the key is missing is 4096. */
  sliding_window: count.nullable().default(4096),
});

export const mistral: Architecture<LlamaConfig, LlamaWeights> = {
  ...llama,
  modelType: 'mistral',
  gguf: null, // llama.cpp's converter writes these as `llama`

  config: (source) => {
    const { sliding_window } = readKeys(source, ownKeys);
    const shared = readLlamaConfig(source, 'mistral');
    return {
      ...shared,
      biases: { qkv: false, o: false, mlp: false },
      slidingWindows: Array<number | null>(shared.numHiddenLayers).fill(sliding_window),
    };
  },
};
