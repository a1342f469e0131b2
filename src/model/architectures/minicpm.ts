/**
 * MiniCPM (Hu et al. 2024, arXiv:2404.06395): Granite's multipliers under other names. What a block adds is scaled by
 * scale_depth / √layers, and hidden states are divided by hidden_size / dim_model_base in front of the head.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readKeys, requireValue } from '../config.ts';
import { decoderGguf } from '../files/gguf-names.ts';
import { granite, type GraniteConfig } from './granite.ts';
import { readLlamaConfig, type LlamaWeights } from './llama.ts';

const multiplier = z.number().positive().default(1);
const ownKeys = z.object({
  attention_bias: z.boolean().default(false),
  scale_emb: multiplier,
  scale_depth: multiplier,
  dim_model_base: multiplier,
  /** What GGUF metadata has in place of scale_depth and dim_model_base. */
  residual_scale: z.number().positive().optional(),
  logit_scale: z.number().positive().optional(),
  num_experts: z.int().default(0),
});

export const minicpm: Architecture<GraniteConfig, LlamaWeights> = {
  ...granite,
  modelType: 'minicpm',
  gguf: {
    name: 'minicpm',
    permutesQK: true,
    configKeys: {
      ...decoderGguf.configKeys,
      scale_emb: 'embedding_scale',
      residual_scale: 'residual_scale',
      logit_scale: 'logit_scale',
    },
    tensorNames: decoderGguf.tensorNames,
  },

  config: (source) => {
    const c = readKeys(source, ownKeys);
    requireValue(source, 'num_experts', c.num_experts, 0);
    const shared = readLlamaConfig(source, 'minicpm', { tieWordEmbeddings: true });
    return {
      ...shared,
      embeddingScale: c.scale_emb,
      attentionScale: shared.headDim ** -0.5,
      residualScale: c.residual_scale ?? c.scale_depth / Math.sqrt(shared.numHiddenLayers),
      logitScale: 1 / (c.logit_scale ?? shared.hiddenSize / c.dim_model_base),
      biases: { qkv: c.attention_bias, o: c.attention_bias, mlp: false },
      slidingWindows: Array<number | null>(shared.numHiddenLayers).fill(null),
    };
  },
};
