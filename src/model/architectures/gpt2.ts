/**
 * GPT-2 (Radford et al. 2019): pre-norm decoder with LayerNorm, learned positions, biases everywhere and a plain MLP with
 * GELU in its tanh form. Its linear layers are stored as [in, out].
 */
import { z } from 'zod';
import { EngineError } from '../../errors.ts';
import type { Architecture } from '../architecture.ts';
import {
  checkHeads,
  count,
  layerCount,
  readKeys,
  requireValue,
  withEither,
  type ConfigSource,
  type ModelConfig,
} from '../config.ts';
import type { Activation } from '../../kernels/ops.ts';
import { attend, attentionSpec, plainMlp } from '../layers/decoder-layer.ts';
import { Decoder } from '../layers/decoder.ts';
import { biasVec, head, lin, repeat, table, vec } from '../weights/spec.ts';

export interface Gpt2Config extends ModelConfig {
  readonly intermediateSize: number;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  readonly headDim: number;
  readonly activation: Activation;
  readonly layerNormEpsilon: number;
  /** Per layer, of q · k. */
  readonly attentionScales: readonly number[];
  readonly tieWordEmbeddings: boolean;
}

const keys = z.object({
  vocab_size: count,
  n_positions: count,
  n_embd: count,
  n_layer: layerCount,
  n_head: count,
  n_inner: count.nullish(),
  activation_function: z.enum(['gelu_new', 'gelu_pytorch_tanh']).default('gelu_new'),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  scale_attn_weights: z.boolean().default(true),
  scale_attn_by_inverse_layer_idx: z.boolean().default(false),
  add_cross_attention: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(true),
});

const otherNames = {
  n_positions: 'max_position_embeddings',
  n_embd: 'hidden_size',
  n_layer: 'num_hidden_layers',
  n_head: 'num_attention_heads',
};

/** What GPT-2 and what grew out of it read in the same way. */
export function readGpt2Config(given: ConfigSource, modelType: string): Gpt2Config {
  const source = withEither(given, otherNames);
  const c = readKeys(source, keys);
  requireValue(source, 'add_cross_attention', c.add_cross_attention, false);
  const headDim = Math.floor(c.n_embd / c.n_head);
  const scale = c.scale_attn_weights ? headDim ** -0.5 : 1;
  checkHeads(source, { headDim, numAttentionHeads: c.n_head, numKeyValueHeads: c.n_head });
  return {
    modelType,
    vocabSize: c.vocab_size,
    hiddenSize: c.n_embd,
    intermediateSize: c.n_inner ?? 4 * c.n_embd,
    numHiddenLayers: c.n_layer,
    numAttentionHeads: c.n_head,
    numKeyValueHeads: c.n_head,
    activation: 'gelu_tanh',
    headDim,
    maxPositionEmbeddings: c.n_positions,
    layerNormEpsilon: c.layer_norm_epsilon,
    attentionScales: repeat(c.n_layer, (i) => (c.scale_attn_by_inverse_layer_idx ? scale / (i + 1) : scale)),
    tieWordEmbeddings: c.tie_word_embeddings,
  };
}

function layerWeights(c: Gpt2Config, prefix: string) {
  const { hiddenSize: h, intermediateSize } = c;
  const stored = { bias: true, transposed: true };
  return {
    norm1: vec(`${prefix}.ln_1`, h),
    norm1Bias: biasVec(`${prefix}.ln_1`, h),
    qkv: lin({ [`${prefix}.attn.c_attn`]: 3 * h }, h, stored),
    o: lin({ [`${prefix}.attn.c_proj`]: h }, h, stored),
    norm2: vec(`${prefix}.ln_2`, h),
    norm2Bias: biasVec(`${prefix}.ln_2`, h),
    up: lin({ [`${prefix}.mlp.c_fc`]: intermediateSize }, h, stored),
    down: lin({ [`${prefix}.mlp.c_proj`]: h }, intermediateSize, stored),
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

/** Packed matrices are [out, in]; whether those of a layer that is stored as [in, out] were turned, no file says. */
function refuseQuantized(source: ConfigSource): void {
  const { quantization_config } = readKeys(source, z.object({ quantization_config: z.unknown().optional() }));
  if (quantization_config !== undefined && quantization_config !== null)
    throw new EngineError(
      'unsupported_model',
      `${source.file}: quantization_config: not supported for gpt2; use the float checkpoint (with --quant int8 or int4) or a GGUF file`,
    );
}

export const gpt2: Architecture<Gpt2Config, ReturnType<typeof weights>> = {
  modelType: 'gpt2',
  gguf: {
    name: 'gpt2',
    permutesQK: false,
    configKeys: {
      n_layer: 'block_count',
      n_positions: 'context_length',
      n_embd: 'embedding_length',
      n_inner: 'feed_forward_length',
      n_head: 'attention.head_count',
      layer_norm_epsilon: 'attention.layer_norm_epsilon',
    },
    tensorNames: {
      token_embd: 'wte',
      position_embd: 'wpe',
      output_norm: 'ln_f',
      output: 'lm_head',
      'blk.*.attn_norm': 'h.*.ln_1',
      'blk.*.attn_qkv': 'h.*.attn.c_attn',
      'blk.*.attn_output': 'h.*.attn.c_proj',
      'blk.*.ffn_norm': 'h.*.ln_2',
      'blk.*.ffn_up': 'h.*.mlp.c_fc',
      'blk.*.ffn_down': 'h.*.mlp.c_proj',
    },
  },

  /** Checkpoints of GPT2Model have no prefix, older ones have causal masks among their tensors. */
  tensorName: (stored) => (/\.attn\.(masked_)?bias$/.test(stored) ? null : stored.replace(/^transformer\./, '')),

  config: (source) => {
    refuseQuantized(source);
    return readGpt2Config(source, 'gpt2');
  },

  weights,

  caches: (c) =>
    repeat(c.numHiddenLayers, () => ({ kind: 'kv', heads: c.numKeyValueHeads, headDim: c.headDim, window: null })),

  create: (c, w, parts) => {
    const eps = c.layerNormEpsilon;
    return new Decoder({
      config: c,
      caches: gpt2.caches(c),
      head: w.lmHead ?? w.embedTokens,
      scoreHead: parts.scoreHead,
      embed: (ops, step) =>
        ops.add(ops.embedding(step, w.embedTokens), ops.embedding(step, w.embedPositions, { by: 'positions' })),
      layer: (ops, x, i, step, kv) => {
        const { qkv, o, norm1, norm1Bias, norm2, norm2Bias, up, down } = w.layers[i];
        const attention = attentionSpec(c.numAttentionHeads, c.attentionScales[i], null);
        const normed = ops.norm(x, { kind: 'layer', weight: norm1, bias: norm1Bias, eps });
        const attended = attend(ops, normed, { qkv, headNorms: null, o, eps, rotary: null, attention, kv }, step, x);
        const mlpIn = ops.norm(attended, { kind: 'layer', weight: norm2, bias: norm2Bias, eps }, { to: up.weight });
        return plainMlp(ops, mlpIn, { up, down, activation: c.activation }, attended);
      },
      norm: (ops, x, option) => ops.norm(x, { kind: 'layer', weight: w.norm, bias: w.normBias, eps }, option),
    });
  },
};
