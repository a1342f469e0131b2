/** What the engine sees of a model. */
import type { DynamicRotary, KVCache, ModelOps, Ops, ProgramResult, Step } from '../kernels/ops.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { LayerCache } from './cache-plan.ts';
import type { ModelConfig } from './config.ts';
import type { ScoreHead } from './layers/score-head.ts';

/** What a step of a model gives. */
export interface StepTensors extends ProgramResult {
  /** [T, H] f32, behind the last layer */
  readonly x: Tensor;
  /** [L, V] f32; null where L is 0 */
  readonly logits: Tensor | null;
}

export interface CausalLM {
  readonly config: ModelConfig;
  /** One entry a layer. */
  readonly caches: readonly LayerCache[];
  /** What a reward model's checkpoint has in place of a language-model head; null for a model that generates. */
  readonly scoreHead: ScoreHead | null;
  /** Makes StepBatch.rotaryRows, which this model needs; null for most. */
  readonly dynamicRotary: DynamicRotary | null;
  /** Records one step of all layers: the residual stream [T, H] f32 behind the last one. */
  layers(ops: ModelOps, step: Step, kv: KVCache): Tensor;
  /** x [N, H], rows of what `layers` gave → the hidden states [N, H] f32 that transformers calls `last_hidden_state`. */
  hiddenStates(ops: ModelOps, x: Tensor): Tensor;
  /** x [N, H], rows of what `layers` gave → logits [N, V] f32. Not for a reward model. */
  logits(ops: ModelOps, x: Tensor): Tensor;
  /** One step as a program (Ops.program): `layers`, and `logits` of the tokens at `step.batch.logitIndices`. */
  forward(ops: Ops, step: Step, kv: KVCache): StepTensors;
}
