/**
 * Llama (Touvron et al. 2023, arXiv:2302.13971; Grattafiori et al. 2024, arXiv:2407.21783): pre-norm decoder with
 * RMSNorm, rotary positions, grouped query heads and a SwiGLU MLP. Also SmolLM2, TinyLlama and others of this
 * `model_type`; Qwen2 and Mistral are the same computation with other biases and windows.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import {
  count,
  readDecoderConfig,
  readKeys,
  type ConfigSource,
  type DecoderConfig,
  type DecoderDefaults,
} from '../config.ts';
import { longestContext, readRope, type RopeDefaults } from '../rope-config.ts';
import { decoderGguf } from '../files/gguf-names.ts';
import { Decoder } from '../layers/decoder.ts';
import { attentionSpec, runDecoderLayer } from '../layers/decoder-layer.ts';
import type { RopeParameters } from '../layers/rope.ts';
import { head, lin, repeat, table, vec, type LinSpec, type TableSpec, type VecSpec } from '../weights/spec.ts';

export interface LlamaConfig extends DecoderConfig {
  readonly ropeParameters: RopeParameters;
  /** Dimensions of each head that rotate. */
  readonly rotaryDim: number;
  /** Pairs of neighbours rotate, not of halves. */
  readonly isInterleaved: boolean;
  /** Per layer: whether it is told positions at all. */
  readonly rotates: readonly boolean[];
  /** Norms of heads, where there are any, are behind the rotation. */
  readonly normsRotated?: true;
  /** Multiplies what is looked up. */
  readonly embeddingScale: number;
  readonly biases: Biases;
  /** Per layer: how many keys a query sees, itself included; null sees all. */
  readonly slidingWindows: readonly (number | null)[];
}

/** Which linear layers have a bias vector. */
export interface Biases {
  readonly qkv: boolean;
  readonly o: boolean;
  readonly mlp: boolean;
}

export type LlamaWeights = {
  /** [V, H] */
  readonly embedTokens: TableSpec;
  readonly layers: readonly LlamaLayerWeights[];
  /** [H] */
  readonly norm: VecSpec;
  /** [V, H]; null when tied to embedTokens. */
  readonly lmHead: TableSpec | null;
};

export type LlamaLayerWeights = {
  /** [H] */
  readonly inputNorm: VecSpec;
  /** [(Hq + 2·Hkv)·D, H]: q, k and v stacked, one product for all three. */
  readonly qkv: LinSpec;
  /** Of each query and key head, [D]; null in most. */
  readonly headNorms: { readonly query: VecSpec; readonly key: VecSpec } | null;
  /** [H, Hq·D] */
  readonly o: LinSpec;
  /** [H] */
  readonly postAttentionNorm: VecSpec;
  /** [2·I, H]: gate and up stacked. */
  readonly gateUp: LinSpec;
  /** [H, I] */
  readonly down: LinSpec;
};

/** What Llama, Qwen and Mistral read in the same way. */
export function readLlamaConfig(
  source: ConfigSource,
  modelType: string,
  defaults: DecoderDefaults & RopeDefaults = {},
): Omit<LlamaConfig, 'biases' | 'slidingWindows'> {
  const shared = readDecoderConfig(source, modelType, defaults);
  const ropeParameters = readRope(source, defaults);
  const maxPositionEmbeddings = longestContext(shared.maxPositionEmbeddings, ropeParameters);
  const rotates = repeat(shared.numHiddenLayers, () => true);
  const rotary = { ropeParameters, rotaryDim: shared.headDim, isInterleaved: false, rotates };
  return { ...shared, ...rotary, maxPositionEmbeddings, embeddingScale: 1 };
}

const ownKeys = z.object({
  attention_bias: z.boolean().default(false),
  /** Not in config.json: GGUF files may have a bias on q, k and v alone, and windows are Mistral's, whose files say llama. */
  attention_out_bias: z.boolean().optional(),
  attention_window: count.nullish(),
  mlp_bias: z.boolean().default(false),
});

export const llama: Architecture<LlamaConfig, LlamaWeights> = {
  modelType: 'llama',
  gguf: {
    name: 'llama',
    permutesQK: true,
    ...decoderGguf,
    configKeys: { ...decoderGguf.configKeys, attention_window: 'attention.sliding_window' },
  },

  config: (source) => {
    const { attention_bias, attention_out_bias, attention_window = null, mlp_bias } = readKeys(source, ownKeys);
    const shared = readLlamaConfig(source, 'llama');
    return {
      ...shared,
      biases: { qkv: attention_bias, o: attention_out_bias ?? attention_bias, mlp: mlp_bias },
      slidingWindows: Array<number | null>(shared.numHiddenLayers).fill(attention_window),
    };
  },

  weights: (c) => llamaWeights(c, (prefix) => llamaLayerWeights(c, prefix)),

  caches: (c) =>
    c.slidingWindows.map((window) => ({ kind: 'kv', heads: c.numKeyValueHeads, headDim: c.headDim, window })),

  create: (c, w, parts) => {
    const rotary = parts.rotary(c.ropeParameters, c.headDim, c.rotaryDim, c.isInterleaved);
    const eps = c.normEps;
    return new Decoder({
      config: c,
      caches: llama.caches(c),
      head: w.lmHead ?? w.embedTokens,
      scoreHead: parts.scoreHead,
      rotary,
      embed: (ops, step) => ops.embedding(step, w.embedTokens, { scale: c.embeddingScale }),
      layer: (ops, x, i, step, kv) => {
        const attention = attentionSpec(c.numAttentionHeads, c.headDim ** -0.5, c.slidingWindows[i]);
        const how = { eps, activation: c.activation, rotary: c.rotates[i] ? rotary : null, attention, kv };
        return runDecoderLayer(ops, x, { ...w.layers[i], normsRotated: c.normsRotated ?? false, ...how }, step);
      },
      norm: (ops, x, option) => ops.norm(x, { kind: 'rms', weight: w.norm, eps }, option),
    });
  },
};

/** @param layer what a layer has, whose names begin with `prefix` */
export function llamaWeights(c: LlamaConfig, layer: (prefix: string) => LlamaLayerWeights): LlamaWeights {
  return {
    embedTokens: table('model.embed_tokens', c.vocabSize, c.hiddenSize),
    layers: repeat(c.numHiddenLayers, (i) => layer(`model.layers.${i}`)),
    norm: vec('model.norm', c.hiddenSize),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
  };
}

export function llamaLayerWeights(c: LlamaConfig, prefix: string): LlamaLayerWeights {
  const { hiddenSize: h, intermediateSize, biases } = c;
  const q = c.numAttentionHeads * c.headDim;
  const kv = c.numKeyValueHeads * c.headDim;
  const attn = (part: string) => `${prefix}.self_attn.${part}`;
  const mlp = (part: string) => `${prefix}.mlp.${part}`;
  return {
    inputNorm: vec(`${prefix}.input_layernorm`, h),
    qkv: lin({ [attn('q_proj')]: q, [attn('k_proj')]: kv, [attn('v_proj')]: kv }, h, { bias: biases.qkv }),
    headNorms: null,
    o: lin({ [attn('o_proj')]: h }, q, { bias: biases.o }),
    postAttentionNorm: vec(`${prefix}.post_attention_layernorm`, h),
    gateUp: lin({ [mlp('gate_proj')]: intermediateSize, [mlp('up_proj')]: intermediateSize }, h, { bias: biases.mlp }),
    down: lin({ [mlp('down_proj')]: h }, intermediateSize, { bias: biases.mlp }),
  };
}
