/**
 * InternLM 2 and 2.5 (Cai et al. 2024, arXiv:2403.17297): Llama under other names, with q, k and v stored as one matrix, key head
 * by key head.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readKeys } from '../config.ts';
import { decoderGguf } from '../files/gguf-names.ts';
import { head, lin, repeat, table, vec } from '../weights/spec.ts';
import {
  llama,
  llamaLayerWeights,
  llamaWeights,
  readLlamaConfig,
  type LlamaConfig,
  type LlamaLayerWeights,
  type LlamaWeights,
} from './llama.ts';

interface InternLM2Config extends LlamaConfig {
  readonly hasLlamaNames: boolean;
}

const ownKeys = z.object({
  bias: z.boolean().default(true),
  /** Not in config.json: GGUF files have Llama's tensors, q, k and v apart. */
  has_llama_names: z.boolean().default(false),
});

function layerWeights(c: LlamaConfig, prefix: string): LlamaLayerWeights {
  const { hiddenSize: h, intermediateSize, headDim, biases } = c;
  const { numAttentionHeads: heads, numKeyValueHeads: kvHeads } = c;
  const fused = { kvHeads, queriesPerKey: heads / kvHeads, headDim };
  const mlp = (part: string) => `${prefix}.feed_forward.${part}`;
  return {
    inputNorm: vec(`${prefix}.attention_norm`, h),
    qkv: lin({ [`${prefix}.attention.wqkv`]: (heads + 2 * kvHeads) * headDim }, h, { bias: biases.qkv, fused }),
    headNorms: null,
    o: lin({ [`${prefix}.attention.wo`]: h }, heads * headDim, { bias: biases.o }),
    postAttentionNorm: vec(`${prefix}.ffn_norm`, h),
    gateUp: lin({ [mlp('w1')]: intermediateSize, [mlp('w3')]: intermediateSize }, h),
    down: lin({ [mlp('w2')]: h }, intermediateSize),
  };
}

export const internlm2: Architecture<InternLM2Config, LlamaWeights> = {
  ...llama,
  modelType: 'internlm2',
  gguf: {
    name: 'internlm2',
    permutesQK: true,
    ...decoderGguf,
    absent: { has_llama_names: true },
    present: { bias: 'model.layers.0.self_attn.q_proj.bias' },
  },

  config: (source) => {
    const { bias, has_llama_names: hasLlamaNames } = readKeys(source, ownKeys);
    const shared = readLlamaConfig(source, 'internlm2');
    return {
      ...shared,
      hasLlamaNames,
      biases: { qkv: bias, o: bias, mlp: false },
      slidingWindows: Array<number | null>(shared.numHiddenLayers).fill(null),
    };
  },

  weights: (c) =>
    c.hasLlamaNames
      ? llamaWeights(c, (prefix) => llamaLayerWeights(c, prefix))
      : {
          embedTokens: table('model.tok_embeddings', c.vocabSize, c.hiddenSize),
          layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `model.layers.${i}`)),
          norm: vec('model.norm', c.hiddenSize),
          lmHead: c.tieWordEmbeddings ? null : head('output', c.vocabSize, c.hiddenSize),
        },
};
