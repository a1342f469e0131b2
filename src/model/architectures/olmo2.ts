/**
 * OLMo 2 (Team OLMo 2024, arXiv:2501.00656): norms behind attention and MLP and none in front of them; all query heads
 * together and all key heads together are normalized.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { count, readKeys, requireValue, type ConfigSource } from '../config.ts';
import { postNormGguf } from '../files/gguf-names.ts';
import { attentionSpec, postNormLayer } from '../layers/decoder-layer.ts';
import { Decoder } from '../layers/decoder.ts';
import type { RopeParameters } from '../layers/rope.ts';
import { repeat, vec } from '../weights/spec.ts';
import { readWindows } from '../window-config.ts';
import { llama, llamaLayerWeights, llamaWeights, readLlamaConfig, type LlamaConfig } from './llama.ts';

export interface Olmo2Config extends LlamaConfig {
  /** Of the layers with a window. */
  readonly ropeSliding: RopeParameters;
  /** What is normalized together: each head, or all of a kind. */
  readonly normsOver: 'head' | 'heads';
}

/** What the layers without a norm in front read in the same way. */
export function readPostNormConfig(source: ConfigSource, modelType: string, theta: number): Olmo2Config {
  const { attention_bias: bias } = readKeys(source, z.object({ attention_bias: z.boolean().default(false) }));
  const shared = readLlamaConfig(source, modelType, { normEps: 1e-5, theta });
  return {
    ...shared,
    ropeSliding: shared.ropeParameters,
    normsOver: 'heads',
    biases: { qkv: bias, o: bias, mlp: false },
    slidingWindows: Array<number | null>(shared.numHiddenLayers).fill(null),
  };
}

const ownKeys = z.object({
  sliding_window: count.nullish(),
  /** Not in config.json: GGUF files of OLMo 3 say olmo2 too; the layers with a window have a base of their own there. */
  may_be_olmo3: z.boolean().default(false),
  rope_theta_sliding: z.number().positive().nullish(),
});

function layerWeights(c: Olmo2Config, prefix: string) {
  const { qkv, o, gateUp, down } = llamaLayerWeights(c, prefix);
  const length = (heads: number) => (c.normsOver === 'head' ? c.headDim : heads * c.headDim);
  return {
    qkv,
    headNorms: {
      query: vec(`${prefix}.self_attn.q_norm`, length(c.numAttentionHeads)),
      key: vec(`${prefix}.self_attn.k_norm`, length(c.numKeyValueHeads)),
    },
    o,
    attentionNorm: vec(`${prefix}.post_attention_layernorm`, c.hiddenSize),
    gateUp,
    down,
    mlpNorm: vec(`${prefix}.post_feedforward_layernorm`, c.hiddenSize),
  };
}

function weights(c: Olmo2Config) {
  const { embedTokens, norm, lmHead } = llamaWeights(c, (prefix) => llamaLayerWeights(c, prefix));
  return { embedTokens, layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `model.layers.${i}`)), norm, lmHead };
}

export const olmo2: Architecture<Olmo2Config, ReturnType<typeof weights>> = {
  modelType: 'olmo2',
  gguf: {
    ...postNormGguf,
    name: 'olmo2',
    permutesQK: false,
    absent: { may_be_olmo3: true },
    configKeys: { ...postNormGguf.configKeys, rope_theta_sliding: 'rope.freq_base_swa' },
  },

  config: (source) => {
    const c = readKeys(source, ownKeys);
    if (!c.may_be_olmo3) requireValue(source, 'sliding_window', c.sliding_window ?? null, null);
    const shared = readPostNormConfig(source, 'olmo2', 10000);
    if (!c.sliding_window) return shared;
    const rope_theta = c.rope_theta_sliding ?? shared.ropeParameters.rope_theta;
    return {
      ...shared,
      ropeSliding: { rope_type: 'default', rope_theta },
      slidingWindows: readWindows(source, shared.numHiddenLayers, { window: c.sliding_window, fullEvery: 4 }),
    };
  },
  weights,
  caches: (c) => llama.caches(c),

  create: (c, w, parts) => {
    const eps = c.normEps;
    const full = parts.rotary(c.ropeParameters, c.headDim);
    const sliding = parts.rotary(c.ropeSliding, c.headDim);
    return new Decoder({
      config: c,
      caches: llama.caches(c),
      head: w.lmHead ?? w.embedTokens,
      scoreHead: parts.scoreHead,
      rotary: full,
      embed: (ops, step) => ops.embedding(step, w.embedTokens),
      layer: (ops, x, i, step, kv) => {
        const { headNorms, ...layer } = w.layers[i];
        const window = c.slidingWindows[i];
        const rotary = window === null ? full : sliding;
        const how = {
          inputNorm: null,
          mlpInputNorm: null,
          headNorms: { ...headNorms, over: c.normsOver },
          eps,
          activation: c.activation,
          rotary: c.rotates[i] ? rotary : null,
          attention: attentionSpec(c.numAttentionHeads, c.headDim ** -0.5, window),
          kv,
        };
        return postNormLayer(ops, x, { ...layer, ...how }, step);
      },
      norm: (ops, x, option) => ops.norm(x, { kind: 'rms', weight: w.norm, eps }, option),
    });
  },
};
