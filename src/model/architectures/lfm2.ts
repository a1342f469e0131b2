/**
 * LFM2, dense (Liquid AI 2025, arXiv:2511.23404): most layers mix tokens by a gated convolution over the last few of them, the
 * others by attention with norms on query and key heads. As in transformers' modeling_lfm2.py.
 */
import { z } from 'zod';
import type { KVLayer, StateLayer } from '../../kernels/ops.ts';
import type { Architecture } from '../architecture.ts';
import { count, readDecoderConfig, readKeys, withKeys, type ConfigSource, type DecoderConfig } from '../config.ts';
import { decoderGguf } from '../files/gguf-names.ts';
import { notReadable } from '../files/model-file.ts';
import { attend, attentionSpec, gatedMlp, linear } from '../layers/decoder-layer.ts';
import { Decoder } from '../layers/decoder.ts';
import type { RopeParameters } from '../layers/rope.ts';
import { longestContext, readRope } from '../rope-config.ts';
import { biasVec, head, headNormVecs, lin, repeat, table, vec } from '../weights/spec.ts';

export interface Lfm2Config extends DecoderConfig {
  readonly ropeParameters: RopeParameters;
  /** Per layer: attention, or a convolution. */
  readonly attends: readonly boolean[];
  /** Tokens that a convolution sees, the own one included. */
  readonly convTaps: number;
  readonly convBias: boolean;
}

const ownKeys = z.object({
  layer_types: z.array(z.enum(['full_attention', 'conv'])).nullish(),
  full_attn_idxs: z.array(z.int().nonnegative()).nullish(),
  conv_L_cache: count.min(2).default(3),
  conv_bias: z.boolean().default(false),
  block_auto_adjust_ff_dim: z.boolean().default(true),
  block_ffn_dim_multiplier: z.number().positive().nullable().default(1),
  block_multiple_of: count.default(256),
});

/** Of the gate: two thirds of what the config says, times a factor, up to a whole multiple. */
function intermediateSize(stated: number, c: z.infer<typeof ownKeys>): number {
  if (!c.block_auto_adjust_ff_dim) return stated;
  const size = Math.floor((2 * stated) / 3);
  if (c.block_ffn_dim_multiplier === null) return size;
  return c.block_multiple_of * Math.ceil(Math.floor(c.block_ffn_dim_multiplier * size) / c.block_multiple_of);
}

function config(given: ConfigSource): Lfm2Config {
  // Checkpoints of transformers 4.
  const source = withKeys(given, { tie_word_embeddings: 'tie_embedding', intermediate_size: 'block_ff_dim' });
  const c = readKeys(source, ownKeys);
  const shared = readDecoderConfig(source, 'lfm2', { normEps: 1e-5, normEpsKey: 'norm_eps', tieWordEmbeddings: true });
  const ropeParameters = readRope(source, { theta: 1e6 });
  const layers = shared.numHiddenLayers;
  if (c.layer_types && c.layer_types.length !== layers)
    throw notReadable(source.file, `layer_types has ${c.layer_types.length} entries for ${layers} layers`);
  return {
    ...shared,
    maxPositionEmbeddings: longestContext(shared.maxPositionEmbeddings, ropeParameters),
    intermediateSize: intermediateSize(shared.intermediateSize, c),
    ropeParameters,
    attends: repeat(layers, (i) =>
      c.layer_types ? c.layer_types[i] === 'full_attention' : (c.full_attn_idxs?.includes(i) ?? true),
    ),
    convTaps: c.conv_L_cache,
    convBias: c.conv_bias,
  };
}

function attentionWeights(c: Lfm2Config, prefix: string) {
  const q = c.numAttentionHeads * c.headDim;
  const kv = c.numKeyValueHeads * c.headDim;
  return {
    qkv: lin({ [`${prefix}.q_proj`]: q, [`${prefix}.k_proj`]: kv, [`${prefix}.v_proj`]: kv }, c.hiddenSize),
    headNorms: headNormVecs(prefix, c.headDim, ['q_layernorm', 'k_layernorm']),
    o: lin({ [`${prefix}.out_proj`]: c.hiddenSize }, q),
  };
}

function convWeights({ hiddenSize: h, convTaps, convBias: bias }: Lfm2Config, prefix: string) {
  return {
    in: lin({ [`${prefix}.in_proj`]: 3 * h }, h, { bias }),
    weight: vec(`${prefix}.conv`, h * convTaps, { shape: [h, 1, convTaps] }),
    bias: bias ? biasVec(`${prefix}.conv`, h) : null,
    out: lin({ [`${prefix}.out_proj`]: h }, h, { bias }),
  };
}

function layerWeights(c: Lfm2Config, i: number) {
  const { hiddenSize: h, intermediateSize: n } = c;
  const prefix = `model.layers.${i}`;
  const mlp = `${prefix}.feed_forward`;
  return {
    operatorNorm: vec(`${prefix}.operator_norm`, h),
    attention: c.attends[i] ? attentionWeights(c, `${prefix}.self_attn`) : null,
    conv: c.attends[i] ? null : convWeights(c, `${prefix}.conv`),
    ffnNorm: vec(`${prefix}.ffn_norm`, h),
    gateUp: lin({ [`${mlp}.w1`]: n, [`${mlp}.w3`]: n }, h),
    down: lin({ [`${mlp}.w2`]: h }, n),
  };
}

function weights(c: Lfm2Config) {
  return {
    embedTokens: table('model.embed_tokens', c.vocabSize, c.hiddenSize),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, i)),
    norm: vec('model.embedding_norm', c.hiddenSize),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
  };
}

export const lfm2: Architecture<Lfm2Config, ReturnType<typeof weights>> = {
  modelType: 'lfm2',
  gguf: {
    name: 'lfm2',
    permutesQK: false,
    configKeys: {
      ...Object.fromEntries(Object.entries(decoderGguf.configKeys).filter(([key]) => key !== 'rms_norm_eps')),
      norm_eps: 'attention.layer_norm_rms_epsilon',
      conv_L_cache: 'shortconv.l_cache',
    },
    // The size that metadata says is the one that was made of it.
    absent: { block_auto_adjust_ff_dim: false },
    // Layers without attention have no key heads.
    more: (metadata) => {
      const heads = metadata['attention.head_count_kv'];
      if (!ArrayBuffer.isView(heads)) return {};
      const all = [...(heads as Int32Array)];
      return {
        num_key_value_heads: all.find((n) => n > 0) ?? null,
        layer_types: all.map((n) => (n > 0 ? 'full_attention' : 'conv')),
      };
    },
    tensorNames: {
      token_embd: 'model.embed_tokens',
      token_embd_norm: 'model.embedding_norm',
      output: 'lm_head',
      'blk.*.attn_norm': 'model.layers.*.operator_norm',
      'blk.*.attn_q': 'model.layers.*.self_attn.q_proj',
      'blk.*.attn_k': 'model.layers.*.self_attn.k_proj',
      'blk.*.attn_v': 'model.layers.*.self_attn.v_proj',
      'blk.*.attn_q_norm': 'model.layers.*.self_attn.q_layernorm',
      'blk.*.attn_k_norm': 'model.layers.*.self_attn.k_layernorm',
      'blk.*.attn_output': 'model.layers.*.self_attn.out_proj',
      'blk.*.shortconv.conv': 'model.layers.*.conv.conv',
      'blk.*.shortconv.in_proj': 'model.layers.*.conv.in_proj',
      'blk.*.shortconv.out_proj': 'model.layers.*.conv.out_proj',
      'blk.*.ffn_norm': 'model.layers.*.ffn_norm',
      'blk.*.ffn_gate': 'model.layers.*.feed_forward.w1',
      'blk.*.ffn_up': 'model.layers.*.feed_forward.w3',
      'blk.*.ffn_down': 'model.layers.*.feed_forward.w2',
    },
  },

  config,
  weights,

  caches: (c) =>
    c.attends.map((attends) =>
      attends
        ? { kind: 'kv', heads: c.numKeyValueHeads, headDim: c.headDim, window: null }
        : { kind: 'state', floats: (c.convTaps - 1) * c.hiddenSize },
    ),

  create: (c, w, parts) => {
    const { normEps: eps, hiddenSize: channels } = c;
    const rotary = parts.rotary(c.ropeParameters, c.headDim);
    const attention = attentionSpec(c.numAttentionHeads, c.headDim ** -0.5, null);
    return new Decoder({
      config: c,
      caches: lfm2.caches(c),
      head: w.lmHead ?? w.embedTokens,
      scoreHead: parts.scoreHead,
      rotary,
      embed: (ops, step) => ops.embedding(step, w.embedTokens),
      layer: (ops, x, i, step, cache: KVLayer | StateLayer) => {
        const { operatorNorm, attention: attended, conv, ffnNorm, ...mlp } = w.layers[i];
        const norm = { kind: 'rms', weight: operatorNorm, eps } as const;
        let mid = x;
        if (attended) {
          const block = { ...attended, eps, rotary, attention, kv: cache as KVLayer };
          mid = attend(ops, ops.norm(x, norm), block, step, x);
        } else if (conv) {
          const { weight, bias } = conv;
          const spec = { channels, weight, ...(bias && { bias }), gated: true };
          const bcx = linear(ops, ops.norm(x, norm, { to: conv.in.weight }), conv.in);
          const y = ops.shortConv({ of: bcx, from: 0 }, spec, { layer: cache as StateLayer, offset: 0 }, step);
          mid = linear(ops, ops.named('conv.hook_z', y), conv.out, x);
        }
        ops.named('hook_resid_mid', mid);
        const normed = ops.norm(mid, { kind: 'rms', weight: ffnNorm, eps }, { to: mlp.gateUp.weight });
        return gatedMlp(ops, normed, { ...mlp, activation: c.activation }, mid);
      },
      norm: (ops, x, option) => ops.norm(x, { kind: 'rms', weight: w.norm, eps }, option),
    });
  },
};
