/**
 * Llama (Touvron et al. 2023, arXiv:2302.13971; Grattafiori et al. 2024, arXiv:2407.21783): pre-norm decoder with
 * RMSNorm, rotary positions, grouped query heads and a SwiGLU MLP. Also SmolLM2, TinyLlama and others of this
 * `model_type`; Qwen2 and Mistral are the same computation with other biases and windows.
 */
import { z } from 'zod';
import { EngineError } from '../../errors.ts';
import type { KVCache, Ops, RotarySpec, Step } from '../../kernels/ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Architecture, CausalLM } from '../causal-lm.ts';
import { parseKeys, type ModelConfig } from '../config.ts';
import { decoderLayer, runDecoderLayer, type DecoderWeights } from '../layers/layers.ts';
import type { ScoreHead } from '../layers/score-head.ts';

export class LlamaForCausalLM implements CausalLM {
  readonly config: ModelConfig;
  readonly maxLength: number;
  readonly scoreHead: ScoreHead | null;
  readonly #weights: DecoderWeights;
  readonly #rotary: RotarySpec;

  constructor(config: ModelConfig, weights: DecoderWeights, rotary: RotarySpec) {
    this.config = config;
    this.maxLength = rotary.table.shape[0];
    this.scoreHead = weights.scoreHead;
    this.#weights = weights;
    this.#rotary = rotary;
  }

  layers(ops: Ops, step: Step, kv: KVCache): Tensor {
    const { config } = this;
    const weights = this.#weights;
    let x = ops.embedding(step, weights.embedTokens);
    weights.layers.forEach((_, i) => {
      const layer = decoderLayer(weights, i, config, this.#rotary, kv);
      x = ops.scope(() => runDecoderLayer(ops, x, layer, step));
    });
    return x;
  }

  forward(ops: Ops, step: Step, kv: KVCache): Tensor {
    return this.logits(ops, ops.takeLogitRows(this.layers(ops, step, kv), step));
  }

  hiddenStates(ops: Ops, x: Tensor): Tensor {
    return ops.rmsNorm(x, this.#weights.norm, this.config.rmsNormEps);
  }

  logits(ops: Ops, x: Tensor): Tensor {
    const { norm, lmHead } = this.#weights;
    if (lmHead === null)
      throw new EngineError('internal_error', 'logits asked of a model without a language-model head');
    return ops.matmul(ops.rmsNorm(x, norm, this.config.rmsNormEps, { to: lmHead }), lmHead);
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
