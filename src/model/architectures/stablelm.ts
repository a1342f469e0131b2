/**
 * StableLM (Bellagente et al. 2024, arXiv:2402.17834): LayerNorm, a gated MLP, biases on q, k and v where asked; a part of each
 * head rotates; attention and MLP may stand side by side, and each query and key head have a LayerNorm of its own (12B).
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readKeys } from '../config.ts';
import { readRotaryDim } from '../rope-config.ts';
import { layerNormGguf } from '../files/gguf-names.ts';
import {
  createLayerNormDecoder,
  layerNormCaches,
  layerNormWeights,
  type LayerNormDecoderConfig,
} from '../layers/layer-norm-decoder.ts';
import { head, headVecs, lin, repeat, table } from '../weights/spec.ts';
import { readLlamaConfig } from './llama.ts';

interface StablelmConfig extends LayerNormDecoderConfig {
  readonly qkvBias: boolean;
  /** Each query head and each key head has a LayerNorm of its own. */
  readonly qkLayernorm: boolean;
}

const ownKeys = z.object({
  use_qkv_bias: z.boolean().default(false),
  qk_layernorm: z.boolean().default(false),
  use_parallel_residual: z.boolean().default(false),
});

function layerWeights(c: StablelmConfig, prefix: string) {
  const { hiddenSize: h, intermediateSize } = c;
  const q = c.numAttentionHeads * c.headDim;
  const kv = c.numKeyValueHeads * c.headDim;
  const attn = (part: string) => `${prefix}.self_attn.${part}_proj`;
  const mlp = (part: string) => `${prefix}.mlp.${part}_proj`;
  return {
    norm: layerNormWeights(`${prefix}.input_layernorm`, h),
    qkv: lin({ [attn('q')]: q, [attn('k')]: kv, [attn('v')]: kv }, h, { bias: c.qkvBias }),
    headNorms: c.qkLayernorm
      ? {
          query: headVecs(`${prefix}.self_attn.q_layernorm`, c.numAttentionHeads, c.headDim),
          key: headVecs(`${prefix}.self_attn.k_layernorm`, c.numKeyValueHeads, c.headDim),
        }
      : null,
    o: lin({ [attn('o')]: h }, q),
    mlpNorm: c.isParallel ? null : layerNormWeights(`${prefix}.post_attention_layernorm`, h),
    mlp: {
      gateUp: lin({ [mlp('gate')]: intermediateSize, [mlp('up')]: intermediateSize }, h),
      down: lin({ [mlp('down')]: h }, intermediateSize),
    },
  };
}

function weights(c: StablelmConfig) {
  return {
    embedTokens: table('model.embed_tokens', c.vocabSize, c.hiddenSize),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `model.layers.${i}`)),
    norm: layerNormWeights('model.norm', c.hiddenSize),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
    lmHeadBias: null,
  };
}

export const stablelm: Architecture<StablelmConfig, ReturnType<typeof weights>> = {
  modelType: 'stablelm',
  gguf: {
    name: 'stablelm',
    permutesQK: false,
    rotatesPart: true,
    configKeys: {
      ...layerNormGguf.configKeys,
      layer_norm_eps: 'attention.layer_norm_epsilon',
      use_parallel_residual: 'use_parallel_residual',
    },
    present: { qk_layernorm: 'model.layers.0.self_attn.q_layernorm.weight' },
    tensorNames: {
      ...layerNormGguf.tensorNames,
      'blk.*.attn_q_norm': 'model.layers.*.self_attn.q_layernorm',
      'blk.*.attn_k_norm': 'model.layers.*.self_attn.k_layernorm',
    },
  },

  config: (source) => {
    const c = readKeys(source, ownKeys);
    const shared = readLlamaConfig(source, 'stablelm', {
      normEps: 1e-5,
      normEpsKey: 'layer_norm_eps',
      allowsPartial: true,
    });
    return {
      ...shared,
      rotaryDim: readRotaryDim(source, shared.headDim, 0.25),
      isParallel: c.use_parallel_residual,
      logitScale: 1,
      qkvBias: c.use_qkv_bias,
      qkLayernorm: c.qk_layernorm,
      slidingWindows: repeat(shared.numHiddenLayers, () => null),
    };
  },

  weights,
  caches: layerNormCaches,
  create: createLayerNormDecoder,
};
