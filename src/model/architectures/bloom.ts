/**
 * BLOOM (BigScience 2022, arXiv:2211.05100): LayerNorm behind the embedding too, positions by ALiBi, biases, GELU in its tanh
 * form; q, k and v are stored as one matrix, head by head.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { checkHeads, count, layerCount, readKeys, requireValue, withEither, type ModelConfig } from '../config.ts';
import { attend, attentionSpec, plainMlp } from '../layers/decoder-layer.ts';
import { Decoder } from '../layers/decoder.ts';
import { layerNorm, layerNormWeights } from '../layers/layer-norm-decoder.ts';
import { head, lin, repeat, table } from '../weights/spec.ts';

interface BloomConfig extends ModelConfig {
  readonly numAttentionHeads: number;
  readonly headDim: number;
  readonly normEps: number;
  readonly tieWordEmbeddings: boolean;
}

const keys = z.object({
  vocab_size: count,
  hidden_size: count,
  n_layer: layerCount,
  n_head: count,
  /** What the model was trained with; ALiBi itself has no end. */
  seq_length: count.default(2048),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  apply_residual_connection_post_layernorm: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(true),
});

/** In the files that BigScience published. */
const otherNames = { hidden_size: 'n_embed', n_layer: 'num_hidden_layers', n_head: 'num_attention_heads' };

function layerWeights(h: number, heads: number, prefix: string) {
  const fused = { kvHeads: heads, queriesPerKey: 1, headDim: h / heads };
  const bias = true;
  return {
    norm: layerNormWeights(`${prefix}.input_layernorm`, h),
    qkv: lin({ [`${prefix}.self_attention.query_key_value`]: 3 * h }, h, { bias, fused }),
    o: lin({ [`${prefix}.self_attention.dense`]: h }, h, { bias }),
    mlpNorm: layerNormWeights(`${prefix}.post_attention_layernorm`, h),
    up: lin({ [`${prefix}.mlp.dense_h_to_4h`]: 4 * h }, h, { bias }),
    down: lin({ [`${prefix}.mlp.dense_4h_to_h`]: h }, 4 * h, { bias }),
  };
}

function weights(c: BloomConfig) {
  return {
    embedTokens: table('word_embeddings', c.vocabSize, c.hiddenSize),
    embedNorm: layerNormWeights('word_embeddings_layernorm', c.hiddenSize),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c.hiddenSize, c.numAttentionHeads, `h.${i}`)),
    norm: layerNormWeights('ln_f', c.hiddenSize),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
  };
}

export const bloom: Architecture<BloomConfig, ReturnType<typeof weights>> = {
  modelType: 'bloom',
  gguf: {
    name: 'bloom',
    permutesQK: false,
    configKeys: {
      hidden_size: 'embedding_length',
      n_layer: 'block_count',
      n_head: 'attention.head_count',
      seq_length: 'context_length',
      layer_norm_epsilon: 'attention.layer_norm_epsilon',
    },
    tensorNames: {
      token_embd: 'word_embeddings',
      token_embd_norm: 'word_embeddings_layernorm',
      output_norm: 'ln_f',
      output: 'lm_head',
      'blk.*.attn_norm': 'h.*.input_layernorm',
      'blk.*.attn_qkv': 'h.*.self_attention.query_key_value',
      'blk.*.attn_output': 'h.*.self_attention.dense',
      'blk.*.ffn_norm': 'h.*.post_attention_layernorm',
      'blk.*.ffn_up': 'h.*.mlp.dense_h_to_4h',
      'blk.*.ffn_down': 'h.*.mlp.dense_4h_to_h',
    },
  },

  /** Checkpoints of BloomModel have no prefix. */
  tensorName: (stored) => stored.replace(/^transformer\./, ''),

  config: (given) => {
    const source = withEither(given, otherNames);
    const c = readKeys(source, keys);
    const key = 'apply_residual_connection_post_layernorm';
    requireValue(source, key, c[key], false);
    const headDim = Math.floor(c.hidden_size / c.n_head);
    checkHeads(source, { headDim, numAttentionHeads: c.n_head, numKeyValueHeads: c.n_head });
    return {
      modelType: 'bloom',
      vocabSize: c.vocab_size,
      hiddenSize: c.hidden_size,
      numHiddenLayers: c.n_layer,
      numAttentionHeads: c.n_head,
      headDim,
      maxPositionEmbeddings: c.seq_length,
      normEps: c.layer_norm_epsilon,
      tieWordEmbeddings: c.tie_word_embeddings,
    };
  },

  weights,

  caches: (c) =>
    repeat(c.numHiddenLayers, () => ({ kind: 'kv', heads: c.numAttentionHeads, headDim: c.headDim, window: null })),

  create: (c, w, parts) => {
    const eps = c.normEps;
    const attention = { ...attentionSpec(c.numAttentionHeads, c.headDim ** -0.5, null), alibi: 1 };
    return new Decoder({
      config: c,
      caches: bloom.caches(c),
      head: w.lmHead ?? w.embedTokens,
      scoreHead: parts.scoreHead,
      embed: (ops, step) => ops.norm(ops.embedding(step, w.embedTokens), layerNorm(w.embedNorm, eps)),
      layer: (ops, x, i, step, kv) => {
        const { norm, qkv, o, mlpNorm, up, down } = w.layers[i];
        const block = { qkv, headNorms: null, o, eps, rotary: null, attention, kv };
        const attended = attend(ops, ops.norm(x, layerNorm(norm, eps)), block, step, x);
        ops.named('hook_resid_mid', attended);
        const mlpIn = ops.norm(attended, layerNorm(mlpNorm, eps), { to: up.weight });
        return plainMlp(ops, mlpIn, { up, down, activation: 'gelu_tanh' }, attended);
      },
      norm: (ops, x, option) => ops.norm(x, layerNorm(w.norm, eps), option),
    });
  },
};
