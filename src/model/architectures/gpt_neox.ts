/**
 * GPT-NeoX and Pythia (Black et al. 2022, arXiv:2204.06745; Biderman et al. 2023, arXiv:2304.01373): attention and MLP side by
 * side behind a LayerNorm each, biases, GELU; q, k and v are stored as one matrix, head by head; a part of each head rotates.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readKeys, withKeys } from '../config.ts';
import { readRotaryDim } from '../rope-config.ts';
import { layerNormGguf } from '../files/gguf-names.ts';
import {
  createLayerNormDecoder,
  layerNormCaches,
  layerNormWeights,
  type LayerNormDecoderConfig,
} from '../layers/layer-norm-decoder.ts';
import { head, lin, repeat, table } from '../weights/spec.ts';
import { readLlamaConfig } from './llama.ts';

interface GptNeoxConfig extends LayerNormDecoderConfig {
  readonly attentionBias: boolean;
}

const ownKeys = z.object({
  use_parallel_residual: z.boolean().default(true),
  attention_bias: z.boolean().default(true),
});

/** What older files call them. */
const ropeKeys = { partial_rotary_factor: 'rotary_pct', rope_theta: 'rotary_emb_base' };

function layerWeights(c: GptNeoxConfig, prefix: string) {
  const { hiddenSize: h, intermediateSize, headDim, attentionBias } = c;
  const fused = { kvHeads: c.numAttentionHeads, queriesPerKey: 1, headDim };
  return {
    norm: layerNormWeights(`${prefix}.input_layernorm`, h),
    qkv: lin({ [`${prefix}.attention.query_key_value`]: 3 * h }, h, { bias: attentionBias, fused }),
    headNorms: null,
    o: lin({ [`${prefix}.attention.dense`]: h }, h, { bias: attentionBias }),
    mlpNorm: layerNormWeights(`${prefix}.post_attention_layernorm`, h),
    mlp: {
      up: lin({ [`${prefix}.mlp.dense_h_to_4h`]: intermediateSize }, h, { bias: true }),
      down: lin({ [`${prefix}.mlp.dense_4h_to_h`]: h }, intermediateSize, { bias: true }),
    },
  };
}

function weights(c: GptNeoxConfig) {
  return {
    embedTokens: table('gpt_neox.embed_in', c.vocabSize, c.hiddenSize),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `gpt_neox.layers.${i}`)),
    norm: layerNormWeights('gpt_neox.final_layer_norm', c.hiddenSize),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
    lmHeadBias: null,
  };
}

export const gptNeox: Architecture<GptNeoxConfig, ReturnType<typeof weights>> = {
  modelType: 'gpt_neox',
  gguf: {
    name: 'gptneox',
    permutesQK: false,
    rotatesPart: true,
    configKeys: {
      ...layerNormGguf.configKeys,
      layer_norm_eps: 'attention.layer_norm_epsilon',
      use_parallel_residual: 'use_parallel_residual',
    },
    tensorNames: {
      token_embd: 'gpt_neox.embed_in',
      output_norm: 'gpt_neox.final_layer_norm',
      output: 'lm_head',
      'blk.*.attn_norm': 'gpt_neox.layers.*.input_layernorm',
      'blk.*.attn_qkv': 'gpt_neox.layers.*.attention.query_key_value',
      'blk.*.attn_output': 'gpt_neox.layers.*.attention.dense',
      'blk.*.ffn_norm': 'gpt_neox.layers.*.post_attention_layernorm',
      'blk.*.ffn_up': 'gpt_neox.layers.*.mlp.dense_h_to_4h',
      'blk.*.ffn_down': 'gpt_neox.layers.*.mlp.dense_4h_to_h',
    },
  },

  /** Most files have causal masks and frequencies among their tensors, and call the head embed_out. */
  tensorName: (stored) => {
    if (/\.attention\.(masked_bias|bias|rotary_emb\.inv_freq)$/.test(stored)) return null;
    return stored.replace(/^embed_out\./, 'lm_head.');
  },

  config: (source) => {
    const c = readKeys(source, ownKeys);
    const keys = withKeys(source, ropeKeys);
    const defaults = { activation: 'gelu', normEps: 1e-5, normEpsKey: 'layer_norm_eps', allowsPartial: true };
    const shared = readLlamaConfig(keys, 'gpt_neox', defaults);
    return {
      ...shared,
      rotaryDim: readRotaryDim(keys, shared.headDim, 0.25),
      isParallel: c.use_parallel_residual,
      logitScale: 1,
      attentionBias: c.attention_bias,
      slidingWindows: repeat(shared.numHiddenLayers, () => null),
    };
  },

  weights,
  caches: layerNormCaches,
  create: createLayerNormDecoder,
};
