/**
 * Gemma (Gemma Team 2024, arXiv:2403.08295): Llama with a GELU gate, norms stored as their difference from 1, and embeddings
 * times √H.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readKeys, requireValue, withValues, type ConfigSource } from '../config.ts';
import { decoderGguf } from '../files/gguf-names.ts';
import { vec } from '../weights/spec.ts';
import {
  llama,
  llamaLayerWeights,
  llamaWeights,
  readLlamaConfig,
  type LlamaConfig,
  type LlamaWeights,
} from './llama.ts';

const ownKeys = z.object({
  hidden_act: z.string().nullish(),
  attention_bias: z.boolean().default(false),
  use_bidirectional_attention: z.boolean().nullish(),
});

/** Files of the first release say `gelu` and mean its tanh form. */
function withTanh(source: ConfigSource): ConfigSource {
  if (readKeys(source, ownKeys).hidden_act !== 'gelu') return source;
  return withValues(source, { hidden_act: 'gelu_pytorch_tanh' });
}

export const gemma: Architecture<LlamaConfig, LlamaWeights> = {
  ...llama,
  modelType: 'gemma',
  gguf: { name: 'gemma', permutesQK: false, ...decoderGguf },

  config: (source) => {
    const { attention_bias: bias, use_bidirectional_attention } = readKeys(source, ownKeys);
    requireValue(source, 'use_bidirectional_attention', use_bidirectional_attention ?? false, false);
    const defaults = { activation: 'gelu_pytorch_tanh', headDim: 256, tieWordEmbeddings: true };
    const shared = readLlamaConfig(withTanh(source), 'gemma', defaults);
    return {
      ...shared,
      embeddingScale: Math.sqrt(shared.hiddenSize),
      biases: { qkv: bias, o: bias, mlp: false },
      slidingWindows: Array<number | null>(shared.numHiddenLayers).fill(null),
    };
  },

  weights: (c) => ({
    ...llamaWeights(c, (prefix) => ({
      ...llamaLayerWeights(c, prefix),
      inputNorm: vec(`${prefix}.input_layernorm`, c.hiddenSize, { plus: 1 }),
      postAttentionNorm: vec(`${prefix}.post_attention_layernorm`, c.hiddenSize, { plus: 1 }),
    })),
    norm: vec('model.norm', c.hiddenSize, { plus: 1 }),
  }),
};
