/**
 * Gemma 3, text (Gemma Team 2025, arXiv:2503.19786): RMSNorm around both blocks, on each query and key head, its weights
 * stored as their difference from 1; GELU gate; embedding times √H; five windowed layers with a rotation of their own for
 * each one that sees everything.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readDecoderConfig, readKeys, requireValue, type ConfigSource, type DecoderConfig } from '../config.ts';
import { readRope, ropeParameters } from '../rope-config.ts';
import { readWindows } from '../window-config.ts';
import { postNormGguf } from '../files/gguf-names.ts';
import { attentionSpec, postNormLayer } from '../layers/decoder-layer.ts';
import { Decoder } from '../layers/decoder.ts';
import type { RopeParameters } from '../layers/rope.ts';
import { head, lin, repeat, table, vec } from '../weights/spec.ts';

export interface Gemma3Config extends DecoderConfig {
  /** Per layer: how many keys a query sees, itself included; null sees all. */
  readonly slidingWindows: readonly (number | null)[];
  readonly ropeFull: RopeParameters;
  readonly ropeSliding: RopeParameters;
  /** Attention scores are divided by its root. */
  readonly queryPreAttnScalar: number;
  readonly hasHeadNorms: boolean;
  /** Keep attention scores, and logits, within ± this. */
  readonly attentionSoftcap: number | null;
  readonly finalSoftcap: number | null;
}

const ownKeys = z.object({
  query_pre_attn_scalar: z.number().positive().nullish(),
  rope_local_base_freq: z.number().positive().default(10000),
  rope_parameters: z
    .object({ full_attention: z.record(z.string(), z.unknown()), sliding_attention: z.record(z.string(), z.unknown()) })
    .partial()
    .nullish(),
  attention_bias: z.boolean().default(false),
  attn_logit_softcapping: z.number().nullish(),
  final_logit_softcapping: z.number().nullish(),
  use_bidirectional_attention: z.boolean().nullish(),
});

function config(source: ConfigSource): Gemma3Config {
  const c = readKeys(source, ownKeys);
  const shared = readDecoderConfig(source, 'gemma3_text', {
    activation: 'gelu_pytorch_tanh',
    headDim: 256,
    tieWordEmbeddings: true,
  });
  for (const key of ['attn_logit_softcapping', 'final_logit_softcapping'] as const)
    requireValue(source, key, c[key] ?? null, null);
  for (const key of ['use_bidirectional_attention', 'attention_bias'] as const)
    requireValue(source, key, c[key] ?? false, false);
  const { full_attention, sliding_attention } = c.rope_parameters ?? {};
  const local = { rope_type: 'default', rope_theta: c.rope_local_base_freq };
  // The 27B model divides by H / Hq, which GGUF files leave to be known; the others by D.
  const scalar = shared.numHiddenLayers === 62 ? shared.hiddenSize / shared.numAttentionHeads : shared.headDim;
  return {
    ...shared,
    slidingWindows: readWindows(source, shared.numHiddenLayers, { window: 4096, fullEvery: 6 }),
    ropeFull: full_attention
      ? ropeParameters(source, 'rope_parameters.full_attention', full_attention, { theta: 1e6 })
      : readRope(source, { theta: 1e6 }),
    ropeSliding: ropeParameters(source, 'rope_parameters.sliding_attention', sliding_attention ?? local),
    queryPreAttnScalar: c.query_pre_attn_scalar ?? scalar,
    hasHeadNorms: true,
    attentionSoftcap: null,
    finalSoftcap: null,
  };
}

function layerWeights(c: Gemma3Config, prefix: string) {
  const { hiddenSize: h, intermediateSize } = c;
  const q = c.numAttentionHeads * c.headDim;
  const kv = c.numKeyValueHeads * c.headDim;
  const norm = (name: string, length = h) => vec(`${prefix}.${name}`, length, { plus: 1 });
  const attn = (part: string) => `${prefix}.self_attn.${part}_proj`;
  const mlp = (part: string) => `${prefix}.mlp.${part}_proj`;
  return {
    inputNorm: norm('input_layernorm'),
    qkv: lin({ [attn('q')]: q, [attn('k')]: kv, [attn('v')]: kv }, h),
    headNorms: c.hasHeadNorms
      ? { query: norm('self_attn.q_norm', c.headDim), key: norm('self_attn.k_norm', c.headDim) }
      : null,
    o: lin({ [attn('o')]: h }, q),
    attentionNorm: norm('post_attention_layernorm'),
    mlpInputNorm: norm('pre_feedforward_layernorm'),
    gateUp: lin({ [mlp('gate')]: intermediateSize, [mlp('up')]: intermediateSize }, h),
    down: lin({ [mlp('down')]: h }, intermediateSize),
    mlpNorm: norm('post_feedforward_layernorm'),
  };
}

function weights(c: Gemma3Config) {
  return {
    embedTokens: table('model.embed_tokens', c.vocabSize, c.hiddenSize),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `model.layers.${i}`)),
    norm: vec('model.norm', c.hiddenSize, { plus: 1 }),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
  };
}

export const gemma3Text: Architecture<Gemma3Config, ReturnType<typeof weights>> = {
  modelType: 'gemma3_text',
  gguf: {
    name: 'gemma3',
    permutesQK: false,
    configKeys: postNormGguf.configKeys,
    tensorNames: {
      ...postNormGguf.tensorNames,
      'blk.*.ffn_norm': 'model.layers.*.pre_feedforward_layernorm',
    },
  },

  config,
  weights,

  caches: (c) =>
    c.slidingWindows.map((window) => ({ kind: 'kv', heads: c.numKeyValueHeads, headDim: c.headDim, window })),

  create: (c, w, parts) => {
    const eps = c.normEps;
    const full = parts.rotary(c.ropeFull, c.headDim);
    const sliding = parts.rotary(c.ropeSliding, c.headDim);
    return new Decoder({
      config: c,
      caches: gemma3Text.caches(c),
      head: w.lmHead ?? w.embedTokens,
      scoreHead: parts.scoreHead,
      embed: (ops, step) => ops.embedding(step, w.embedTokens, { scale: Math.sqrt(c.hiddenSize) }),
      layer: (ops, x, i, step, kv) => {
        const window = c.slidingWindows[i];
        const attention = attentionSpec(c.numAttentionHeads, c.queryPreAttnScalar ** -0.5, window, c.attentionSoftcap);
        const block = { eps, rotary: window === null ? full : sliding, attention, kv };
        return postNormLayer(ops, x, { ...w.layers[i], ...block, activation: c.activation }, step);
      },
      logits: (ops, logits) => (c.finalSoftcap === null ? logits : ops.cap(logits, c.finalSoftcap)),
      norm: (ops, x, option) => ops.norm(x, { kind: 'rms', weight: w.norm, eps }, option),
    });
  },
};
