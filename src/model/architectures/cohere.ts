/**
 * Command R (Cohere 2024, model card): one LayerNorm without bias in front of attention and MLP side by side, a gated MLP,
 * rotation of neighbours, logits times a factor. Command R+ normalizes each query and key head, with weights of its own.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readKeys, type ConfigSource } from '../config.ts';
import { headNormGguf, layerNormGguf } from '../files/gguf-names.ts';
import {
  createLayerNormDecoder,
  layerNormCaches,
  layerNormWeights,
  type LayerNormDecoderConfig,
} from '../layers/layer-norm-decoder.ts';
import { head, lin, repeat, table, vec } from '../weights/spec.ts';
import { readLlamaConfig } from './llama.ts';

export interface CohereConfig extends LayerNormDecoderConfig {
  readonly attentionBias: boolean;
  readonly hasHeadNorms: boolean;
}

const ownKeys = z.object({
  attention_bias: z.boolean().default(false),
  use_qk_norm: z.boolean().nullish(),
  logit_scale: z.number().positive().default(0.0625),
});

/** What both generations read in the same way. @param theta where no file says it */
export function readCohereConfig(source: ConfigSource, modelType: string, theta: number): CohereConfig {
  const c = readKeys(source, ownKeys);
  const defaults = { normEps: 1e-5, normEpsKey: 'layer_norm_eps', tieWordEmbeddings: true, theta };
  const shared = readLlamaConfig(source, modelType, defaults);
  return {
    ...shared,
    isInterleaved: true,
    isParallel: true,
    logitScale: c.logit_scale,
    attentionBias: c.attention_bias,
    hasHeadNorms: c.use_qk_norm ?? false,
    slidingWindows: repeat(shared.numHiddenLayers, () => null),
  };
}

function layerWeights(c: CohereConfig, prefix: string) {
  const { hiddenSize: h, intermediateSize, headDim, attentionBias: bias } = c;
  const q = c.numAttentionHeads * headDim;
  const kv = c.numKeyValueHeads * headDim;
  const attn = (part: string) => `${prefix}.self_attn.${part}`;
  const mlp = (part: string) => `${prefix}.mlp.${part}_proj`;
  const headNorm = (name: string, heads: number) => vec(attn(name), heads * headDim, { shape: [heads, headDim] });
  return {
    norm: layerNormWeights(`${prefix}.input_layernorm`, h, { bias: false }),
    qkv: lin({ [attn('q_proj')]: q, [attn('k_proj')]: kv, [attn('v_proj')]: kv }, h, { bias }),
    headNorms: c.hasHeadNorms
      ? { query: headNorm('q_norm', c.numAttentionHeads), key: headNorm('k_norm', c.numKeyValueHeads) }
      : null,
    o: lin({ [attn('o_proj')]: h }, q, { bias }),
    mlpNorm: null,
    mlp: {
      gateUp: lin({ [mlp('gate')]: intermediateSize, [mlp('up')]: intermediateSize }, h),
      down: lin({ [mlp('down')]: h }, intermediateSize),
    },
  };
}

function weights(c: CohereConfig) {
  return {
    embedTokens: table('model.embed_tokens', c.vocabSize, c.hiddenSize),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `model.layers.${i}`)),
    norm: layerNormWeights('model.norm', c.hiddenSize, { bias: false }),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
    lmHeadBias: null,
  };
}

export const cohere: Architecture<CohereConfig, ReturnType<typeof weights>> = {
  modelType: 'cohere',
  gguf: {
    name: 'command-r',
    permutesQK: false,
    configKeys: {
      ...layerNormGguf.configKeys,
      layer_norm_eps: 'attention.layer_norm_epsilon',
      logit_scale: 'logit_scale',
    },
    tensorNames: {
      ...layerNormGguf.tensorNames,
      ...headNormGguf,
    },
  },
  config: (source) => readCohereConfig(source, 'cohere', 500000),
  weights,
  caches: layerNormCaches,
  create: createLayerNormDecoder,
};
