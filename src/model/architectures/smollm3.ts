/** SmolLM3 (Hugging Face 2025, model card): Llama whose every fourth layer is not told positions (NoPE, arXiv:2501.18795). */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { count, readKeys } from '../config.ts';
import { layerTypes } from '../window-config.ts';
import { decoderGguf } from '../files/gguf-names.ts';
import { notReadable } from '../files/model-file.ts';
import { repeat } from '../weights/spec.ts';
import { llama, readLlamaConfig, type LlamaConfig, type LlamaWeights } from './llama.ts';

const ownKeys = z.object({
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  use_sliding_window: z.boolean().default(false),
  sliding_window: count.nullish(),
  /** Despite its name 1 for layers that rotate. */
  no_rope_layers: z.array(z.union([z.literal(0), z.literal(1)])).nullish(),
  no_rope_layer_interval: count.default(4),
});

export const smollm3: Architecture<LlamaConfig, LlamaWeights> = {
  ...llama,
  modelType: 'smollm3',
  gguf: { name: 'smollm3', permutesQK: true, configKeys: decoderGguf.configKeys, tensorNames: decoderGguf.tensorNames },

  config: (source) => {
    const c = readKeys(source, ownKeys);
    const shared = readLlamaConfig(source, 'smollm3', { theta: 2e6, tieWordEmbeddings: true });
    const layers = shared.numHiddenLayers;
    const listed = c.no_rope_layers;
    if (listed && listed.length !== layers)
      throw notReadable(source.file, `no_rope_layers has ${listed.length} entries for ${layers} layers`);
    const rotates = repeat(layers, (i) => (listed ? listed[i] === 1 : (i + 1) % c.no_rope_layer_interval !== 0));
    const types = layerTypes(source, layers);
    const slides = (i: number) => (types ? types[i] === 'sliding_attention' : !rotates[i]);
    const window = c.use_sliding_window ? (c.sliding_window ?? null) : null;
    return {
      ...shared,
      rotates,
      biases: { qkv: c.attention_bias, o: c.attention_bias, mlp: c.mlp_bias },
      slidingWindows: repeat(layers, (i) => (slides(i) ? window : null)),
    };
  },
};
