/**
 * GLM-4 in transformers' own format (Team GLM 2024, arXiv:2406.12793): Llama with gate and up stored as one matrix, biases on
 * q, k and v, and a rotation of neighbours in half of each head.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readKeys, type ConfigSource } from '../config.ts';
import { decoderGguf } from '../files/gguf-names.ts';
import { readRotaryDim } from '../rope-config.ts';
import { lin } from '../weights/spec.ts';
import {
  llama,
  llamaLayerWeights,
  llamaWeights,
  readLlamaConfig,
  type LlamaConfig,
  type LlamaLayerWeights,
  type LlamaWeights,
} from './llama.ts';

/** What both generations of GLM read in the same way. */
export function readGlmConfig(source: ConfigSource, modelType: string): LlamaConfig {
  const { attention_bias } = readKeys(source, z.object({ attention_bias: z.boolean().default(true) }));
  const shared = readLlamaConfig(source, modelType, { headDim: 128, normEps: 1.5625e-7, allowsPartial: true });
  return {
    ...shared,
    rotaryDim: readRotaryDim(source, shared.headDim, 0.5),
    isInterleaved: true,
    biases: { qkv: attention_bias, o: false, mlp: false },
    slidingWindows: Array<number | null>(shared.numHiddenLayers).fill(null),
  };
}

export function glmLayerWeights(c: LlamaConfig, prefix: string): LlamaLayerWeights {
  const gateUp = lin({ [`${prefix}.mlp.gate_up_proj`]: 2 * c.intermediateSize }, c.hiddenSize);
  return { ...llamaLayerWeights(c, prefix), gateUp };
}

export const glm: Architecture<LlamaConfig, LlamaWeights> = {
  ...llama,
  modelType: 'glm',
  gguf: {
    name: 'chatglm',
    permutesQK: false,
    rotatesPart: true,
    configKeys: decoderGguf.configKeys,
    tensorNames: { ...decoderGguf.tensorNames, 'blk.*.ffn_up': 'model.layers.*.mlp.gate_up_proj' },
  },
  config: (source) => readGlmConfig(source, 'glm'),
  weights: (c) => llamaWeights(c, (prefix) => glmLayerWeights(c, prefix)),
};
