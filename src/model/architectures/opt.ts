/**
 * OPT (Zhang et al. 2022, arXiv:2205.01068): GPT-2 with ReLU, under other names; the table of positions begins with two rows
 * that stand for none. OPT-350M, whose norms are behind the blocks, is another computation.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { activationNamed, checkHeads, count, layerCount, readKeys, requireValue } from '../config.ts';
import { biasVec, head, lin, repeat, table, vec } from '../weights/spec.ts';
import { gpt2, type Gpt2Config } from './gpt2.ts';

const keys = z.object({
  vocab_size: count,
  hidden_size: count,
  ffn_dim: count,
  num_hidden_layers: layerCount,
  num_attention_heads: count,
  max_position_embeddings: count.default(2048),
  activation_function: z.string().default('relu'),
  do_layer_norm_before: z.boolean().default(true),
  _remove_final_layer_norm: z.boolean().default(false),
  word_embed_proj_dim: count.nullish(),
  enable_bias: z.boolean().default(true),
  layer_norm_elementwise_affine: z.boolean().default(true),
  tie_word_embeddings: z.boolean().default(true),
});

/** Rows of the table of positions in front of the first. */
const NO_POSITION = 2;

function layerWeights(c: Gpt2Config, prefix: string) {
  const { hiddenSize: h, intermediateSize } = c;
  const attn = (part: string) => `${prefix}.self_attn.${part}_proj`;
  const bias = true;
  return {
    norm1: vec(`${prefix}.self_attn_layer_norm`, h),
    norm1Bias: biasVec(`${prefix}.self_attn_layer_norm`, h),
    qkv: lin({ [attn('q')]: h, [attn('k')]: h, [attn('v')]: h }, h, { bias }),
    o: lin({ [attn('out')]: h }, h, { bias }),
    norm2: vec(`${prefix}.final_layer_norm`, h),
    norm2Bias: biasVec(`${prefix}.final_layer_norm`, h),
    up: lin({ [`${prefix}.fc1`]: intermediateSize }, h, { bias }),
    down: lin({ [`${prefix}.fc2`]: h }, intermediateSize, { bias }),
  };
}

function weights(c: Gpt2Config) {
  const skipped = NO_POSITION;
  return {
    embedTokens: table('decoder.embed_tokens', c.vocabSize, c.hiddenSize),
    embedPositions: table('decoder.embed_positions', c.maxPositionEmbeddings, c.hiddenSize, { skipped }),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `decoder.layers.${i}`)),
    norm: vec('decoder.final_layer_norm', c.hiddenSize),
    normBias: biasVec('decoder.final_layer_norm', c.hiddenSize),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
  };
}

export const opt: Architecture<Gpt2Config, ReturnType<typeof weights>> = {
  ...gpt2,
  modelType: 'opt',
  gguf: null,

  /** Checkpoints of OPTModel have no prefix. */
  tensorName: (stored) => stored.replace(/^model\./, ''),

  config: (source) => {
    const c = readKeys(source, keys);
    requireValue(source, 'word_embed_proj_dim', c.word_embed_proj_dim ?? c.hidden_size, c.hidden_size);
    requireValue(source, '_remove_final_layer_norm', c._remove_final_layer_norm, false);
    for (const key of ['do_layer_norm_before', 'enable_bias', 'layer_norm_elementwise_affine'] as const)
      requireValue(source, key, c[key], true);
    const headDim = Math.floor(c.hidden_size / c.num_attention_heads);
    const heads = { headDim, numAttentionHeads: c.num_attention_heads, numKeyValueHeads: c.num_attention_heads };
    return {
      modelType: 'opt',
      ...checkHeads(source, heads),
      vocabSize: c.vocab_size,
      hiddenSize: c.hidden_size,
      intermediateSize: c.ffn_dim,
      numHiddenLayers: c.num_hidden_layers,
      maxPositionEmbeddings: c.max_position_embeddings,
      layerNormEpsilon: 1e-5,
      activation: activationNamed(source, 'activation_function', c.activation_function),
      attentionScales: repeat(c.num_hidden_layers, () => headDim ** -0.5),
      tieWordEmbeddings: c.tie_word_embeddings,
    };
  },

  weights,
};
