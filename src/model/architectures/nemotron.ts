/**
 * Nemotron-4 and Minitron (Parmar et al. 2024, arXiv:2402.16819): LayerNorm whose weights are stored as their difference from
 * 1, a plain MLP with the square of ReLU, and a rotation of half of each head.
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
import { head, lin, repeat, table } from '../weights/spec.ts';
import { readLlamaConfig } from './llama.ts';

interface NemotronConfig extends LayerNormDecoderConfig {
  readonly attentionBias: boolean;
  readonly mlpBias: boolean;
}

const ownKeys = z.object({ attention_bias: z.boolean().default(false), mlp_bias: z.boolean().default(false) });

function layerWeights(c: NemotronConfig, prefix: string) {
  const { hiddenSize: h, intermediateSize } = c;
  const q = c.numAttentionHeads * c.headDim;
  const kv = c.numKeyValueHeads * c.headDim;
  const attn = (part: string) => `${prefix}.self_attn.${part}_proj`;
  return {
    norm: layerNormWeights(`${prefix}.input_layernorm`, h, { plus: 1 }),
    qkv: lin({ [attn('q')]: q, [attn('k')]: kv, [attn('v')]: kv }, h, { bias: c.attentionBias }),
    headNorms: null,
    o: lin({ [attn('o')]: h }, q, { bias: c.attentionBias }),
    mlpNorm: layerNormWeights(`${prefix}.post_attention_layernorm`, h, { plus: 1 }),
    mlp: {
      up: lin({ [`${prefix}.mlp.up_proj`]: intermediateSize }, h, { bias: c.mlpBias }),
      down: lin({ [`${prefix}.mlp.down_proj`]: h }, intermediateSize, { bias: c.mlpBias }),
    },
  };
}

function weights(c: NemotronConfig) {
  return {
    embedTokens: table('model.embed_tokens', c.vocabSize, c.hiddenSize),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `model.layers.${i}`)),
    norm: layerNormWeights('model.norm', c.hiddenSize, { plus: 1 }),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
    lmHeadBias: null,
  };
}

export const nemotron: Architecture<NemotronConfig, ReturnType<typeof weights>> = {
  modelType: 'nemotron',
  gguf: {
    name: 'nemotron',
    permutesQK: false,
    rotatesPart: true,
    configKeys: { ...layerNormGguf.configKeys, norm_eps: 'attention.layer_norm_epsilon' },
    tensorNames: layerNormGguf.tensorNames,
  },

  config: (source) => {
    const c = readKeys(source, ownKeys);
    const defaults = { activation: 'relu2', normEps: 1e-5, normEpsKey: 'norm_eps', allowsPartial: true };
    const shared = readLlamaConfig(source, 'nemotron', defaults);
    return {
      ...shared,
      rotaryDim: readRotaryDim(source, shared.headDim, 0.5),
      isParallel: false,
      logitScale: 1,
      attentionBias: c.attention_bias,
      mlpBias: c.mlp_bias,
      slidingWindows: repeat(shared.numHiddenLayers, () => null),
    };
  },

  weights,
  caches: layerNormCaches,
  create: createLayerNormDecoder,
};
