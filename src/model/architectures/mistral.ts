/** Mistral 7B (Jiang et al. 2023, arXiv:2310.06825): Llama whose layers all see the last `sliding_window` keys only. */
import { z } from 'zod';
import type { Architecture } from '../causal-lm.ts';
import { count, parseKeys } from '../config.ts';
import { LlamaForCausalLM } from './llama.ts';

const ownKeys = z.object({
  /** Later releases set it to null. transformers' default when the key is missing is 4096. */
  sliding_window: count.nullable().default(4096),
});

export const mistral: Architecture = {
  modelType: 'mistral',
  ggufArchitecture: null, // llama.cpp's converter writes these as `llama`
  ggufPermutesQK: true,
  traits: (json, numHiddenLayers, file) => {
    const { sliding_window } = parseKeys(ownKeys, json, file);
    return {
      biases: { qkv: false, o: false, mlp: false },
      slidingWindows: Array<number | null>(numHiddenLayers).fill(sliding_window),
    };
  },
  create: (config, weights, rotary) => new LlamaForCausalLM(config, weights, rotary),
};
