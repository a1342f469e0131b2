/** GLM-4-0414 (Z.ai 2025, model card): GLM with norms behind attention and MLP too. */
import type { Architecture } from '../architecture.ts';
import { decoderGguf } from '../files/gguf-names.ts';
import { attentionSpec, postNormLayer } from '../layers/decoder-layer.ts';
import { Decoder } from '../layers/decoder.ts';
import { repeat, vec } from '../weights/spec.ts';
import { glmLayerWeights, readGlmConfig } from './glm.ts';
import { llama, llamaWeights, type LlamaConfig } from './llama.ts';

function layerWeights(c: LlamaConfig, prefix: string) {
  const { qkv, o, gateUp, down } = glmLayerWeights(c, prefix);
  const norm = (name: string) => vec(`${prefix}.${name}_layernorm`, c.hiddenSize);
  return {
    inputNorm: norm('input'),
    qkv,
    o,
    attentionNorm: norm('post_self_attn'),
    mlpInputNorm: norm('post_attention'),
    gateUp,
    down,
    mlpNorm: norm('post_mlp'),
  };
}

function weights(c: LlamaConfig) {
  const { embedTokens, norm, lmHead } = llamaWeights(c, (prefix) => glmLayerWeights(c, prefix));
  return { embedTokens, layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `model.layers.${i}`)), norm, lmHead };
}

export const glm4: Architecture<LlamaConfig, ReturnType<typeof weights>> = {
  modelType: 'glm4',
  gguf: {
    name: 'glm4',
    permutesQK: false,
    rotatesPart: true,
    configKeys: decoderGguf.configKeys,
    tensorNames: {
      ...decoderGguf.tensorNames,
      'blk.*.ffn_up': 'model.layers.*.mlp.gate_up_proj',
      'blk.*.post_attention_norm': 'model.layers.*.post_self_attn_layernorm',
      'blk.*.post_ffw_norm': 'model.layers.*.post_mlp_layernorm',
    },
  },
  config: (source) => readGlmConfig(source, 'glm4'),
  weights,
  caches: (c) => llama.caches(c),

  create: (c, w, parts) => {
    const eps = c.normEps;
    const rotary = parts.rotary(c.ropeParameters, c.headDim, c.rotaryDim, c.isInterleaved);
    return new Decoder({
      config: c,
      caches: llama.caches(c),
      head: w.lmHead ?? w.embedTokens,
      scoreHead: parts.scoreHead,
      rotary,
      embed: (ops, step) => ops.embedding(step, w.embedTokens),
      layer: (ops, x, i, step, kv) => {
        const attention = attentionSpec(c.numAttentionHeads, c.headDim ** -0.5, c.slidingWindows[i]);
        const how = { headNorms: null, eps, activation: c.activation, rotary, attention, kv };
        return postNormLayer(ops, x, { ...w.layers[i], ...how }, step);
      },
      norm: (ops, x, option) => ops.norm(x, { kind: 'rms', weight: w.norm, eps }, option),
    });
  },
};
