/** ERNIE 4.5, dense (Baidu 2025, technical report): Llama that rotates neighbouring dimensions; biases everywhere or nowhere. */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readKeys } from '../config.ts';
import { decoderGguf } from '../files/gguf-names.ts';
import { llama, readLlamaConfig, type LlamaConfig, type LlamaWeights } from './llama.ts';

export const ernie4_5: Architecture<LlamaConfig, LlamaWeights> = {
  ...llama,
  modelType: 'ernie4_5',
  gguf: {
    name: 'ernie4_5',
    permutesQK: false,
    configKeys: decoderGguf.configKeys,
    tensorNames: decoderGguf.tensorNames,
  },

  config: (source) => {
    const { use_bias } = readKeys(source, z.object({ use_bias: z.boolean().nullish() }));
    const defaults = { theta: 5e5, headDim: 128, normEps: 1e-5, tieWordEmbeddings: true };
    const shared = readLlamaConfig(source, 'ernie4_5', defaults);
    const bias = use_bias ?? false;
    return {
      ...shared,
      isInterleaved: true,
      biases: { qkv: bias, o: bias, mlp: bias },
      slidingWindows: Array<number | null>(shared.numHiddenLayers).fill(null),
    };
  },
};
