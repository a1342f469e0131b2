/**
 * Phi-1, 1.5 and 2 (Gunasekar et al. 2023, arXiv:2306.11644; Li et al. 2023, arXiv:2309.05463): one LayerNorm in front of
 * attention and MLP side by side, biases everywhere, the head too; a part of each head rotates.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readKeys, requireValue } from '../config.ts';
import { readRotaryDim } from '../rope-config.ts';
import { layerNormGguf } from '../files/gguf-names.ts';
import {
  createLayerNormDecoder,
  layerNormCaches,
  layerNormWeights,
  type LayerNormDecoderConfig,
} from '../layers/layer-norm-decoder.ts';
import { biasVec, head, lin, repeat, table } from '../weights/spec.ts';
import { readLlamaConfig } from './llama.ts';

function layerWeights(c: LayerNormDecoderConfig, prefix: string) {
  const { hiddenSize: h, intermediateSize } = c;
  const q = c.numAttentionHeads * c.headDim;
  const kv = c.numKeyValueHeads * c.headDim;
  const attn = (part: string) => `${prefix}.self_attn.${part}`;
  const bias = true;
  return {
    norm: layerNormWeights(`${prefix}.input_layernorm`, h),
    qkv: lin({ [attn('q_proj')]: q, [attn('k_proj')]: kv, [attn('v_proj')]: kv }, h, { bias }),
    headNorms: null,
    o: lin({ [attn('dense')]: h }, q, { bias }),
    mlpNorm: null,
    mlp: {
      up: lin({ [`${prefix}.mlp.fc1`]: intermediateSize }, h, { bias }),
      down: lin({ [`${prefix}.mlp.fc2`]: h }, intermediateSize, { bias }),
    },
  };
}

function weights(c: LayerNormDecoderConfig) {
  return {
    embedTokens: table('model.embed_tokens', c.vocabSize, c.hiddenSize),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `model.layers.${i}`)),
    norm: layerNormWeights('model.final_layernorm', c.hiddenSize),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
    lmHeadBias: biasVec('lm_head', c.vocabSize),
  };
}

export const phi: Architecture<LayerNormDecoderConfig, ReturnType<typeof weights>> = {
  modelType: 'phi',
  gguf: {
    name: 'phi2',
    permutesQK: false,
    rotatesPart: true,
    configKeys: { ...layerNormGguf.configKeys, layer_norm_eps: 'attention.layer_norm_epsilon' },
    tensorNames: {
      ...layerNormGguf.tensorNames,
      output_norm: 'model.final_layernorm',
      'blk.*.attn_output': 'model.layers.*.self_attn.dense',
      'blk.*.ffn_up': 'model.layers.*.mlp.fc1',
      'blk.*.ffn_down': 'model.layers.*.mlp.fc2',
    },
  },

  config: (source) => {
    const { qk_layernorm } = readKeys(source, z.object({ qk_layernorm: z.boolean().default(false) }));
    requireValue(source, 'qk_layernorm', qk_layernorm, false);
    const defaults = { activation: 'gelu_new', normEps: 1e-5, normEpsKey: 'layer_norm_eps', allowsPartial: true };
    const shared = readLlamaConfig(source, 'phi', defaults);
    return {
      ...shared,
      rotaryDim: readRotaryDim(source, shared.headDim, 0.5),
      isParallel: true,
      logitScale: 1,
      slidingWindows: repeat(shared.numHiddenLayers, () => null),
    };
  },

  weights,
  caches: layerNormCaches,
  create: createLayerNormDecoder,
};
