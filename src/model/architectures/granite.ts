/**
 * Granite 3 and 4, dense (Granite Team 2024, technical report): Llama with multipliers on the embedding, the attention scores, what
 * each block adds to the residual stream, and (dividing) the logits.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readKeys } from '../config.ts';
import { decoderGguf } from '../files/gguf-names.ts';
import { attend, attentionSpec, gatedMlp } from '../layers/decoder-layer.ts';
import { Decoder } from '../layers/decoder.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { llama, readLlamaConfig, type LlamaConfig, type LlamaWeights } from './llama.ts';

export interface GraniteConfig extends LlamaConfig {
  readonly attentionScale: number;
  readonly residualScale: number;
  readonly logitScale: number;
}

const multiplier = z.number().positive().default(1);
const ownKeys = z.object({
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  embedding_multiplier: multiplier,
  attention_multiplier: multiplier,
  residual_multiplier: multiplier,
  logits_scaling: multiplier,
});

export const granite: Architecture<GraniteConfig, LlamaWeights> = {
  modelType: 'granite',
  gguf: {
    name: 'granite',
    permutesQK: true,
    tensorNames: decoderGguf.tensorNames,
    configKeys: {
      ...decoderGguf.configKeys,
      embedding_multiplier: 'embedding_scale',
      attention_multiplier: 'attention.scale',
      residual_multiplier: 'residual_scale',
      logits_scaling: 'logit_scale',
    },
  },

  config: (source) => {
    const c = readKeys(source, ownKeys);
    const shared = readLlamaConfig(source, 'granite');
    return {
      ...shared,
      embeddingScale: c.embedding_multiplier,
      attentionScale: c.attention_multiplier,
      residualScale: c.residual_multiplier,
      logitScale: 1 / c.logits_scaling,
      biases: { qkv: c.attention_bias, o: c.attention_bias, mlp: c.mlp_bias },
      slidingWindows: Array<number | null>(shared.numHiddenLayers).fill(null),
    };
  },

  weights: (c) => llama.weights(c),
  caches: (c) => llama.caches(c),

  create: (c, w, parts) => {
    const eps = c.normEps;
    const rotary = parts.rotary(c.ropeParameters, c.headDim);
    const rms = (weight: Tensor) => ({ kind: 'rms', weight, eps }) as const;
    return new Decoder({
      config: c,
      caches: llama.caches(c),
      head: w.lmHead ?? w.embedTokens,
      scoreHead: parts.scoreHead,
      rotary,
      embed: (ops, step) => ops.embedding(step, w.embedTokens, { scale: c.embeddingScale }),
      layer: (ops, x, i, step, kv) => {
        const { inputNorm, postAttentionNorm, ...layer } = w.layers[i];
        const attention = attentionSpec(c.numAttentionHeads, c.attentionScale, null);
        const attended = attend(ops, ops.norm(x, rms(inputNorm)), { ...layer, eps, rotary, attention, kv }, step);
        const mid = ops.named('hook_resid_mid', ops.add(x, attended, c.residualScale));
        const mlpIn = ops.norm(mid, rms(postAttentionNorm), { to: layer.gateUp.weight });
        return ops.add(mid, gatedMlp(ops, mlpIn, { ...layer, activation: c.activation }), c.residualScale);
      },
      logits: (ops, logits) => ops.scale(logits, c.logitScale),
      norm: (ops, x, option) => ops.norm(x, rms(w.norm), option),
    });
  },
};
