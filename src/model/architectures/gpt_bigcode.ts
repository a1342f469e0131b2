/** StarCoder and SantaCoder (Li et al. 2023, arXiv:2305.06161): GPT-2 with one key head for all queries, stored as [out, in]. */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readKeys } from '../config.ts';
import { biasVec, head, lin, repeat, table, vec } from '../weights/spec.ts';
import { gpt2, readGpt2Config, type Gpt2Config } from './gpt2.ts';

function layerWeights(c: Gpt2Config, prefix: string) {
  const { hiddenSize: h, intermediateSize, numKeyValueHeads: kvHeads, headDim } = c;
  const fused = { kvHeads, queriesPerKey: c.numAttentionHeads / kvHeads, headDim };
  const bias = true;
  return {
    norm1: vec(`${prefix}.ln_1`, h),
    norm1Bias: biasVec(`${prefix}.ln_1`, h),
    qkv: lin({ [`${prefix}.attn.c_attn`]: h + 2 * kvHeads * headDim }, h, { bias, fused }),
    o: lin({ [`${prefix}.attn.c_proj`]: h }, h, { bias }),
    norm2: vec(`${prefix}.ln_2`, h),
    norm2Bias: biasVec(`${prefix}.ln_2`, h),
    up: lin({ [`${prefix}.mlp.c_fc`]: intermediateSize }, h, { bias }),
    down: lin({ [`${prefix}.mlp.c_proj`]: h }, intermediateSize, { bias }),
  };
}

function weights(c: Gpt2Config) {
  return {
    embedTokens: table('wte', c.vocabSize, c.hiddenSize),
    embedPositions: table('wpe', c.maxPositionEmbeddings, c.hiddenSize),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `h.${i}`)),
    norm: vec('ln_f', c.hiddenSize),
    normBias: biasVec('ln_f', c.hiddenSize),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
  };
}

export const gptBigcode: Architecture<Gpt2Config, ReturnType<typeof weights>> = {
  ...gpt2,
  modelType: 'gpt_bigcode',
  // Files have one key head; the converter refuses checkpoints with more.
  gguf: gpt2.gguf && { ...gpt2.gguf, name: 'starcoder' },

  config: (source) => {
    const { multi_query } = readKeys(source, z.object({ multi_query: z.boolean().default(true) }));
    const shared = readGpt2Config(source, 'gpt_bigcode');
    return { ...shared, numKeyValueHeads: multi_query ? 1 : shared.numAttentionHeads };
  },

  weights,
};
