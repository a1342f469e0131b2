/** What the engine sees of a model. */
import type { DynamicRotary, KVCache, Ops, Step } from '../kernels/ops.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { LayerCache } from './cache-plan.ts';
import type { ModelConfig } from './config.ts';
import type { ScoreHead } from './layers/score-head.ts';

export interface CausalLM {
  readonly config: ModelConfig;
  /** One entry a layer. */
  readonly caches: readonly LayerCache[];
  /** What a reward model's checkpoint has in place of a language-model head; null for a model that generates. */
  readonly scoreHead: ScoreHead | null;
  /** Makes StepBatch.rotaryRows, which this model needs; null for most. */
  readonly dynamicRotary: DynamicRotary | null;
  /** Records one step of all layers: the residual stream [T, H] f32 behind the last one. */
  layers(ops: Ops, step: Step, kv: KVCache): Tensor;
  /** x [N, H], rows of what `layers` gave → the hidden states [N, H] f32 that transformers calls `last_hidden_state`. */
  hiddenStates(ops: Ops, x: Tensor): Tensor;
  /** x [N, H], rows of what `layers` gave → logits [N, V] f32. Not for a reward model. */
  logits(ops: Ops, x: Tensor): Tensor;
  /** All of the above for a step that only samples: logits [L, V] f32 of the tokens at `step.batch.logitIndices`. */
  forward(ops: Ops, step: Step, kv: KVCache): Tensor;
}
