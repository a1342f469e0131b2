/**
 * GPT-J (Wang and Komatsuzaki 2021, model card): one LayerNorm in front of attention and MLP side by side, biases on the MLP and
 * the head, and a rotation of neighbours in the first `rotary_dim` dimensions of each head.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { count, readKeys, requireValue, withEither, withKeys } from '../config.ts';
import {
  createLayerNormDecoder,
  layerNormCaches,
  layerNormWeights,
  type LayerNormDecoderConfig,
} from '../layers/layer-norm-decoder.ts';
import { biasVec, head, lin, repeat, table } from '../weights/spec.ts';
import { readLlamaConfig } from './llama.ts';

const names = {
  max_position_embeddings: 'n_positions',
  hidden_size: 'n_embd',
  num_hidden_layers: 'n_layer',
  num_attention_heads: 'n_head',
  intermediate_size: 'n_inner',
  hidden_act: 'activation_function',
};

const ownKeys = z.object({ n_embd: count, n_inner: count.nullish(), rotary_dim: count.default(64) });

function layerWeights(c: LayerNormDecoderConfig, prefix: string) {
  const { hiddenSize: h, intermediateSize } = c;
  const attn = (part: string) => `${prefix}.attn.${part}_proj`;
  return {
    norm: layerNormWeights(`${prefix}.ln_1`, h),
    qkv: lin({ [attn('q')]: h, [attn('k')]: h, [attn('v')]: h }, h),
    headNorms: null,
    o: lin({ [attn('out')]: h }, h),
    mlpNorm: null,
    mlp: {
      up: lin({ [`${prefix}.mlp.fc_in`]: intermediateSize }, h, { bias: true }),
      down: lin({ [`${prefix}.mlp.fc_out`]: h }, intermediateSize, { bias: true }),
    },
  };
}

function weights(c: LayerNormDecoderConfig) {
  return {
    embedTokens: table('transformer.wte', c.vocabSize, c.hiddenSize),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `transformer.h.${i}`)),
    norm: layerNormWeights('transformer.ln_f', c.hiddenSize),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
    lmHeadBias: biasVec('lm_head', c.vocabSize),
  };
}

export const gptj: Architecture<LayerNormDecoderConfig, ReturnType<typeof weights>> = {
  modelType: 'gptj',
  gguf: null,

  /** Older files have causal masks among their tensors. */
  tensorName: (stored) => (/\.attn\.(masked_)?bias$/.test(stored) ? null : stored),

  config: (given) => {
    const source = withEither(given, { n_embd: 'hidden_size' });
    const c = readKeys(source, ownKeys);
    const json = { ...(source.json as object), n_inner: c.n_inner ?? 4 * c.n_embd };
    const defaults = { activation: 'gelu_new', normEps: 1e-5, normEpsKey: 'layer_norm_epsilon' };
    const shared = readLlamaConfig(withKeys({ ...source, json }, names), 'gptj', defaults);
    const rotaryDim = Math.min(c.rotary_dim, shared.headDim);
    requireValue(source, 'rotary_dim', c.rotary_dim, rotaryDim - (rotaryDim % 2));
    return {
      ...shared,
      rotaryDim,
      isInterleaved: true,
      isParallel: true,
      logitScale: 1,
      slidingWindows: repeat(shared.numHiddenLayers, () => null),
    };
  },

  weights,
  caches: layerNormCaches,
  create: createLayerNormDecoder,
};
