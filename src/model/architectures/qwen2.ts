/** Qwen2 and Qwen2.5 (Yang et al. 2024, arXiv:2407.10671): Llama with biases on q, k and v; windows in upper layers. */
import { z } from 'zod';
import { EngineError } from '../../errors.ts';
import type { Architecture } from '../causal-lm.ts';
import { count, parseKeys } from '../config.ts';
import { LlamaForCausalLM } from './llama.ts';

const ownKeys = z.object({
  use_sliding_window: z.boolean().default(false),
  sliding_window: count.nullable().default(4096),
  /** Layers below this one see everything. */
  max_window_layers: z.int().nonnegative().default(28),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
});

export const qwen2: Architecture = {
  modelType: 'qwen2',
  ggufArchitecture: 'qwen2',
  ggufPermutesQK: false,
  traits: (json, numHiddenLayers, file) => {
    const c = parseKeys(ownKeys, json, file);
    if (c.layer_types && c.layer_types.length !== numHiddenLayers)
      throw new EngineError(
        'model_not_readable',
        `${file}: layer_types has ${c.layer_types.length} entries for ${numHiddenLayers} layers`,
      );
    const window = c.use_sliding_window ? c.sliding_window : null;
    const slides = (layer: number) =>
      c.layer_types ? c.layer_types[layer] === 'sliding_attention' : layer >= c.max_window_layers;
    return {
      biases: { qkv: true, o: false, mlp: false },
      slidingWindows: Array.from({ length: numHiddenLayers }, (_, layer) => (slides(layer) ? window : null)),
    };
  },
  create: (config, weights, rotary) => new LlamaForCausalLM(config, weights, rotary),
};
