/**
 * Falcon (Almazrouei et al. 2023, arXiv:2311.16867): attention and MLP side by side behind one LayerNorm (7B) or one each (40B,
 * 180B), one key head for all queries or a few, GELU; q, k and v are stored as one matrix, key head by key head.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { count, readKeys, requireValue, withKeys, withValues } from '../config.ts';
import { layerNormGguf } from '../files/gguf-names.ts';
import {
  createLayerNormDecoder,
  layerNormCaches,
  layerNormWeights,
  type LayerNormDecoderConfig,
} from '../layers/layer-norm-decoder.ts';
import { head, lin, repeat, table } from '../weights/spec.ts';
import { readLlamaConfig } from './llama.ts';

interface FalconConfig extends LayerNormDecoderConfig {
  readonly hasBias: boolean;
  /** Of the two blocks: `input_layernorm` for both, and another in front of the MLP, or one of each name; as GGUF files name them. */
  readonly norms: 'shared' | 'sequential' | 'parallel' | 'converted';
}

const ownKeys = z.object({
  hidden_size: count,
  num_attention_heads: count,
  num_kv_heads: count.nullish(),
  ffn_hidden_size: count.nullish(),
  max_position_embeddings: count.default(2048),
  alibi: z.boolean().nullish(),
  new_decoder_architecture: z.boolean().nullish(),
  multi_query: z.boolean().nullish(),
  parallel_attn: z.boolean().nullish(),
  num_ln_in_parallel_attn: z.union([z.literal(1), z.literal(2)]).nullish(),
  bias: z.boolean().nullish(),
  /** Not in config.json: of GGUF files. */
  has_two_norms: z.boolean().nullish(),
});

function layerWeights(c: FalconConfig, prefix: string) {
  const { hiddenSize: h, intermediateSize, hasBias: bias, numKeyValueHeads: kvHeads, headDim } = c;
  const fused = { kvHeads, queriesPerKey: c.numAttentionHeads / kvHeads, headDim };
  const norm = (name: string) => layerNormWeights(`${prefix}.${name}`, h);
  const norms = {
    shared: { norm: norm('input_layernorm'), mlpNorm: null },
    sequential: { norm: norm('input_layernorm'), mlpNorm: norm('post_attention_layernorm') },
    parallel: { norm: norm('ln_attn'), mlpNorm: norm('ln_mlp') },
    converted: { norm: norm('ln_attn'), mlpNorm: norm('input_layernorm') },
  };
  return {
    ...norms[c.norms],
    qkv: lin({ [`${prefix}.self_attention.query_key_value`]: h + 2 * kvHeads * headDim }, h, { bias, fused }),
    headNorms: null,
    o: lin({ [`${prefix}.self_attention.dense`]: h }, h, { bias }),
    mlp: {
      up: lin({ [`${prefix}.mlp.dense_h_to_4h`]: intermediateSize }, h, { bias }),
      down: lin({ [`${prefix}.mlp.dense_4h_to_h`]: h }, intermediateSize, { bias }),
    },
  };
}

function weights(c: FalconConfig) {
  return {
    embedTokens: table('transformer.word_embeddings', c.vocabSize, c.hiddenSize),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `transformer.h.${i}`)),
    norm: layerNormWeights('transformer.ln_f', c.hiddenSize),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
    lmHeadBias: null,
  };
}

export const falcon: Architecture<FalconConfig, ReturnType<typeof weights>> = {
  modelType: 'falcon',
  gguf: {
    name: 'falcon',
    permutesQK: false,
    configKeys: {
      ...layerNormGguf.configKeys,
      ffn_hidden_size: 'feed_forward_length',
      num_kv_heads: 'attention.head_count_kv',
      layer_norm_epsilon: 'attention.layer_norm_epsilon',
    },
    // Metadata says how many key heads there are, as new_decoder_architecture does; llama.cpp has no other blocks than parallel ones.
    absent: { new_decoder_architecture: true },
    present: { bias: 'transformer.h.0.self_attention.dense.bias', has_two_norms: 'transformer.h.0.ln_attn.weight' },
    tensorNames: {
      token_embd: 'transformer.word_embeddings',
      output_norm: 'transformer.ln_f',
      output: 'lm_head',
      // The MLP's, where attention has one of its own.
      'blk.*.attn_norm': 'transformer.h.*.input_layernorm',
      'blk.*.attn_norm_2': 'transformer.h.*.ln_attn',
      'blk.*.attn_qkv': 'transformer.h.*.self_attention.query_key_value',
      'blk.*.attn_output': 'transformer.h.*.self_attention.dense',
      'blk.*.ffn_up': 'transformer.h.*.mlp.dense_h_to_4h',
      'blk.*.ffn_down': 'transformer.h.*.mlp.dense_4h_to_h',
    },
  },

  config: (source) => {
    const c = readKeys(source, ownKeys);
    const isNew = c.new_decoder_architecture ?? false;
    const isParallel = c.parallel_attn ?? true;
    if (isNew) requireValue(source, 'parallel_attn', isParallel, true);
    else requireValue(source, 'num_ln_in_parallel_attn', c.num_ln_in_parallel_attn ?? 1, 1);
    const ofOld = (c.multi_query ?? true) ? 1 : c.num_attention_heads;
    const said = withValues(source, {
      max_position_embeddings: c.max_position_embeddings,
      ffn_hidden_size: c.ffn_hidden_size ?? 4 * c.hidden_size,
      num_kv_heads: isNew ? (c.num_kv_heads ?? c.num_attention_heads) : ofOld,
    });
    const keys = {
      intermediate_size: 'ffn_hidden_size',
      num_key_value_heads: 'num_kv_heads',
      hidden_act: 'activation',
    };
    const defaults = { activation: 'gelu', normEps: 1e-5, normEpsKey: 'layer_norm_epsilon', tieWordEmbeddings: true };
    const shared = readLlamaConfig(withKeys(said, keys), 'falcon', defaults);
    const hasTwo = isNew && (c.num_ln_in_parallel_attn ?? 2) === 2;
    const inParallel = hasTwo ? 'parallel' : 'shared';
    const converted = c.has_two_norms ? 'converted' : 'shared';
    return {
      ...shared,
      isParallel,
      logitScale: 1,
      hasBias: c.bias ?? false,
      norms: !isParallel ? 'sequential' : c.has_two_norms == null ? inParallel : converted,
      ...(c.alibi && {
        // Scores are scaled behind it. transformers rounds it to bfloat16, which is no part of its definition.
        alibi: shared.headDim ** -0.5,
        rotates: repeat(shared.numHiddenLayers, () => false),
      }),
      slidingWindows: repeat(shared.numHiddenLayers, () => null),
    };
  },

  weights,
  caches: layerNormCaches,
  create: createLayerNormDecoder,
};
