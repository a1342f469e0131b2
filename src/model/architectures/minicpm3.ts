/**
 * MiniCPM 3 (MiniCPM: Hu et al. 2024, arXiv:2404.06395): MiniCPM's multipliers around multi-head latent attention. What a
 * block adds is scaled by scale_depth / √layers, and hidden states are divided by hidden_size / dim_model_base in front of
 * the head.
 */
import { z } from 'zod';
import type { Tensor } from '../../tensor/tensor.ts';
import type { LatentLayer } from '../../kernels/ops.ts';
import type { Architecture } from '../architecture.ts';
import { readDecoderConfig, readKeys, type DecoderConfig } from '../config.ts';
import { decoderGguf, latentGguf } from '../files/gguf-names.ts';
import { latentCache, readLatentDims } from '../latent-config.ts';
import { Decoder } from '../layers/decoder.ts';
import { gatedMlp } from '../layers/decoder-layer.ts';
import {
  attendLatents,
  latentAttentionWeights,
  type LatentAttentionWeights,
  type LatentDims,
} from '../layers/latent-attention.ts';
import { scoreScale, type RopeParameters } from '../layers/rope.ts';
import { longestContext, readRope } from '../rope-config.ts';
import { head, lin, repeat, table, vec, type LinSpec, type TableSpec, type VecSpec } from '../weights/spec.ts';

export interface MiniCPM3Config extends DecoderConfig, LatentDims {
  readonly ropeParameters: RopeParameters;
  readonly attentionBias: boolean;
  readonly mlpBias: boolean;
  readonly embeddingScale: number;
  readonly residualScale: number;
  readonly logitScale: number;
}

const multiplier = z.number().positive();
/** Defaults are the code's, which say them as MiniCPM3-4B has them. */
const ownKeys = z.object({
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  scale_emb: multiplier.default(12),
  scale_depth: multiplier.nullable().default(1.4),
  dim_model_base: multiplier.nullable().default(256),
});

// Types, not interfaces: branches of the tree of weights.
type LayerWeights = LatentAttentionWeights & {
  readonly inputNorm: VecSpec;
  readonly postAttentionNorm: VecSpec;
  readonly gateUp: LinSpec;
  readonly down: LinSpec;
};

type MiniCPM3Weights = {
  readonly embedTokens: TableSpec;
  readonly layers: readonly LayerWeights[];
  readonly norm: VecSpec;
  readonly lmHead: TableSpec | null;
};

function layerWeights(c: MiniCPM3Config, prefix: string): LayerWeights {
  const { hiddenSize: h, intermediateSize, mlpBias: bias } = c;
  const mlp = (part: string) => `${prefix}.mlp.${part}`;
  return {
    inputNorm: vec(`${prefix}.input_layernorm`, h),
    ...latentAttentionWeights(c, prefix, c.attentionBias),
    postAttentionNorm: vec(`${prefix}.post_attention_layernorm`, h),
    gateUp: lin({ [mlp('gate_proj')]: intermediateSize, [mlp('up_proj')]: intermediateSize }, h, { bias }),
    down: lin({ [mlp('down_proj')]: h }, intermediateSize, { bias }),
  };
}

export const minicpm3: Architecture<MiniCPM3Config, MiniCPM3Weights> = {
  modelType: 'minicpm3',
  // The multipliers of its files are those of MiniCPM3-4B, which the defaults are too.
  gguf: {
    name: 'minicpm3',
    permutesQK: false,
    isLatent: true,
    configKeys: { ...decoderGguf.configKeys, ...latentGguf.configKeys },
    tensorNames: { ...decoderGguf.tensorNames, ...latentGguf.tensorNames },
  },

  config: (source) => {
    const c = readKeys(source, ownKeys);
    const shared = readDecoderConfig(source, 'minicpm3', { tieWordEmbeddings: true, normEps: 1e-5 });
    const { hiddenSize, numHiddenLayers } = shared;
    const ropeParameters = readRope(source);
    return {
      ...shared,
      ...readLatentDims(source, Math.floor(hiddenSize / shared.numAttentionHeads)),
      ropeParameters,
      maxPositionEmbeddings: longestContext(shared.maxPositionEmbeddings, ropeParameters),
      attentionBias: c.attention_bias,
      mlpBias: c.mlp_bias,
      embeddingScale: c.scale_emb,
      residualScale: c.scale_depth === null ? 1 : c.scale_depth / Math.sqrt(numHiddenLayers),
      logitScale: c.dim_model_base === null ? 1 : c.dim_model_base / hiddenSize,
    };
  },

  weights: (c) => ({
    embedTokens: table('model.embed_tokens', c.vocabSize, c.hiddenSize),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `model.layers.${i}`)),
    norm: vec('model.norm', c.hiddenSize),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
  }),

  caches: (c) => repeat(c.numHiddenLayers, () => latentCache(c)),

  create: (c, w, parts) => {
    const rotary = parts.rotary(c.ropeParameters, c.qkRopeHeadDim);
    const scale = scoreScale(c.ropeParameters) / Math.sqrt(c.qkNopeHeadDim + c.qkRopeHeadDim);
    const rms = (weight: Tensor) => ({ kind: 'rms', weight, eps: c.normEps }) as const;
    return new Decoder({
      config: c,
      caches: minicpm3.caches(c),
      head: w.lmHead ?? w.embedTokens,
      scoreHead: parts.scoreHead,
      rotary,
      embed: (ops, step) => ops.embedding(step, w.embedTokens, { scale: c.embeddingScale }),
      layer: (ops, x, i, step, cache: LatentLayer) => {
        const { inputNorm, postAttentionNorm, gateUp, down, ...attention } = w.layers[i];
        const block = { ...attention, rotary, heads: c.numAttentionHeads, scale, cache };
        const attended = attendLatents(ops, ops.norm(x, rms(inputNorm)), block, step);
        const mid = ops.named('hook_resid_mid', ops.add(x, attended, c.residualScale));
        const mlpIn = ops.norm(mid, rms(postAttentionNorm), { to: gateUp.weight });
        return ops.add(mid, gatedMlp(ops, mlpIn, { gateUp, down, activation: c.activation }), c.residualScale);
      },
      logits: (ops, logits) => ops.scale(logits, c.logitScale),
      norm: (ops, x, option) => ops.norm(x, rms(w.norm), option),
    });
  },
};
