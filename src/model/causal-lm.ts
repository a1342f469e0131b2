/** What the engine sees of a model, and what an architecture file has to say. */
import type { KVCache, Ops, RotarySpec, Step } from '../kernels/ops.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ArchitectureTraits, ModelConfig } from './config.ts';
import type { DecoderWeights } from './layers/layers.ts';
import type { ScoreHead } from './layers/score-head.ts';

export interface CausalLM {
  readonly config: ModelConfig;
  /** Positions that the rotary table covers: the longest context of one request. */
  readonly maxLength: number;
  /** What a reward model's checkpoint has in place of a language-model head; null for a model that generates. */
  readonly scoreHead: ScoreHead | null;
  /** Records one step of all layers: the residual stream [T, H] f32 behind the last one. */
  layers(ops: Ops, step: Step, kv: KVCache): Tensor;
  /** x [N, H], rows of what `layers` gave → the hidden states [N, H] f32 that transformers calls `last_hidden_state`. */
  hiddenStates(ops: Ops, x: Tensor): Tensor;
  /** x [N, H], rows of what `layers` gave → logits [N, V] f32. Not for a reward model. */
  logits(ops: Ops, x: Tensor): Tensor;
  /** All of the above for a step that only samples: logits [L, V] f32 of the tokens at `step.batch.logitIndices`. */
  forward(ops: Ops, step: Step, kv: KVCache): Tensor;
}

/** One file an architecture (llama.ts …), listed in registry.ts. */
export interface Architecture {
  /** `model_type` in config.json. */
  readonly modelType: string;
  /** `general.architecture` in GGUF metadata; null when GGUF files of this model say another architecture. */
  readonly ggufArchitecture: string | null;
  /** llama.cpp's converter reorders the rows of q and k for its interleaved rotation; they are put back at load. */
  readonly ggufPermutesQK: boolean;
  /** Reads the keys of config.json that are this architecture's own; `file` names it in errors. */
  readonly traits: (json: unknown, numHiddenLayers: number, file: string) => ArchitectureTraits;
  readonly create: (config: ModelConfig, weights: DecoderWeights, rotary: RotarySpec) => CausalLM;
}
