/**
 * Llama (Touvron et al. 2023, arXiv:2302.13971; Grattafiori et al. 2024, arXiv:2407.21783): pre-norm decoder with
 * RMSNorm, rotary positions, grouped query heads and a SwiGLU MLP. Also SmolLM2, TinyLlama and others of this
 * `model_type`; Qwen2 and Mistral are the same computation with other biases and windows.
 */
import { z } from 'zod';
import type { KVCache, Ops, RotarySpec, Step } from '../kernels/ops.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Architecture, CausalLM } from './causal-lm.ts';
import { parseKeys, type ModelConfig } from './config.ts';
import { decoderLayer, runDecoderLayer, type DecoderWeights } from './layers.ts';

export class LlamaForCausalLM implements CausalLM {
  readonly config: ModelConfig;
  readonly maxLength: number;
  readonly #weights: DecoderWeights;
  readonly #rotary: RotarySpec;

  constructor(config: ModelConfig, weights: DecoderWeights, rotary: RotarySpec) {
    this.config = config;
    this.maxLength = rotary.table.shape[0];
    this.#weights = weights;
    this.#rotary = rotary;
  }

  forward(ops: Ops, step: Step, kv: KVCache): Tensor {
    const { config } = this;
    const weights = this.#weights;
    let x = ops.embedding(step, weights.embedTokens);
    weights.layers.forEach((_, i) => {
      const layer = decoderLayer(weights, i, config, this.#rotary, kv);
      x = ops.scope(() => runDecoderLayer(ops, x, layer, step));
    });
    const last = ops.takeLogitRows(x, step);
    const normed = ops.rmsNorm(last, weights.norm, config.rmsNormEps, { to: weights.lmHead });
    return ops.matmul(normed, weights.lmHead);
  }
}

const ownKeys = z.object({
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
});

export const llama: Architecture = {
  modelType: 'llama',
  ggufArchitecture: 'llama',
  ggufPermutesQK: true,
  traits: (json, numHiddenLayers, file) => {
    const { attention_bias, mlp_bias } = parseKeys(ownKeys, json, file);
    return {
      biases: { qkv: attention_bias, o: attention_bias, mlp: mlp_bias },
      slidingWindows: Array<null>(numHiddenLayers).fill(null),
    };
  },
  create: (config, weights, rotary) => new LlamaForCausalLM(config, weights, rotary),
};
