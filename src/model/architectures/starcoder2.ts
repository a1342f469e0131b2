/**
 * StarCoder2 (Lozhkov et al. 2024, arXiv:2402.19173): LayerNorm, biases everywhere, a plain MLP with GELU in its tanh form,
 * grouped query heads, rotary positions, a window over all layers.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { count, readKeys } from '../config.ts';
import { layerNormGguf } from '../files/gguf-names.ts';
import {
  createLayerNormDecoder,
  layerNormCaches,
  layerNormWeights,
  type LayerNormDecoderConfig,
} from '../layers/layer-norm-decoder.ts';
import { head, lin, repeat, table } from '../weights/spec.ts';
import { readLlamaConfig } from './llama.ts';

interface Starcoder2Config extends LayerNormDecoderConfig {
  readonly hasBias: boolean;
}

const ownKeys = z.object({ use_bias: z.boolean().default(true), sliding_window: count.nullish() });

function layerWeights(c: Starcoder2Config, prefix: string) {
  const { hiddenSize: h, intermediateSize, hasBias: bias } = c;
  const q = c.numAttentionHeads * c.headDim;
  const kv = c.numKeyValueHeads * c.headDim;
  const attn = (part: string) => `${prefix}.self_attn.${part}_proj`;
  return {
    norm: layerNormWeights(`${prefix}.input_layernorm`, h),
    qkv: lin({ [attn('q')]: q, [attn('k')]: kv, [attn('v')]: kv }, h, { bias }),
    headNorms: null,
    o: lin({ [attn('o')]: h }, q, { bias }),
    mlpNorm: layerNormWeights(`${prefix}.post_attention_layernorm`, h),
    mlp: {
      up: lin({ [`${prefix}.mlp.c_fc`]: intermediateSize }, h, { bias }),
      down: lin({ [`${prefix}.mlp.c_proj`]: h }, intermediateSize, { bias }),
    },
  };
}

function weights(c: Starcoder2Config) {
  return {
    embedTokens: table('model.embed_tokens', c.vocabSize, c.hiddenSize),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `model.layers.${i}`)),
    norm: layerNormWeights('model.norm', c.hiddenSize),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
    lmHeadBias: null,
  };
}

export const starcoder2: Architecture<Starcoder2Config, ReturnType<typeof weights>> = {
  modelType: 'starcoder2',
  gguf: {
    name: 'starcoder2',
    permutesQK: false,
    configKeys: { ...layerNormGguf.configKeys, norm_epsilon: 'attention.layer_norm_epsilon' },
    tensorNames: {
      ...layerNormGguf.tensorNames,
      'blk.*.ffn_up': 'model.layers.*.mlp.c_fc',
      'blk.*.ffn_down': 'model.layers.*.mlp.c_proj',
    },
  },

  config: (source) => {
    const { use_bias, sliding_window = null } = readKeys(source, ownKeys);
    const defaults = { activation: 'gelu_pytorch_tanh', normEps: 1e-5, normEpsKey: 'norm_epsilon' };
    const shared = readLlamaConfig(source, 'starcoder2', { ...defaults, tieWordEmbeddings: true });
    return {
      ...shared,
      isParallel: false,
      logitScale: 1,
      hasBias: use_bias,
      slidingWindows: repeat(shared.numHiddenLayers, () => sliding_window),
    };
  },

  weights,
  caches: layerNormCaches,
  create: createLayerNormDecoder,
};
