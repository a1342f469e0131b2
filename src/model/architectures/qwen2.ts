/** Qwen2 and Qwen2.5 (Yang et al. 2024, arXiv:2407.10671): Llama with biases on q, k and v; windows in upper layers. */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { count, readKeys, type ConfigSource } from '../config.ts';
import { layerTypes } from '../window-config.ts';
import { decoderGguf } from '../files/gguf-names.ts';
import { llama, readLlamaConfig, type LlamaConfig, type LlamaWeights } from './llama.ts';

const windowKeys = z.object({
  use_sliding_window: z.boolean().default(false),
  sliding_window: count.nullable().default(4096),
  /** Layers below this one see everything. */
  max_window_layers: z.int().nonnegative().default(28),
});

/** Per layer, as Qwen2 and Qwen3 say it. */
export function readQwenWindows(source: ConfigSource, numHiddenLayers: number): (number | null)[] {
  const c = readKeys(source, windowKeys);
  const types = layerTypes(source, numHiddenLayers);
  const window = c.use_sliding_window ? c.sliding_window : null;
  const slides = (layer: number) => (types ? types[layer] === 'sliding_attention' : layer >= c.max_window_layers);
  return Array.from({ length: numHiddenLayers }, (_, layer) => (slides(layer) ? window : null));
}

export const qwen2: Architecture<LlamaConfig, LlamaWeights> = {
  ...llama,
  modelType: 'qwen2',
  gguf: { name: 'qwen2', permutesQK: false, ...decoderGguf },

  config: (source) => {
    const shared = readLlamaConfig(source, 'qwen2');
    return {
      ...shared,
      biases: { qkv: true, o: false, mlp: false },
      slidingWindows: readQwenWindows(source, shared.numHiddenLayers),
    };
  },
};
