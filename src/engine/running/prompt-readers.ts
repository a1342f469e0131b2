/** What is read of prompts besides the next token: hidden states for pooling requests, logits for scored prompts. */
import type { Ops, Step } from '../../kernels/ops.ts';
import type { CausalLM } from '../../model/causal-lm.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { ScheduledRequest } from '../scheduling/scheduler-output.ts';

/** The part of model/causal-lm.ts that a step needs. */
export type StepModel = Pick<CausalLM, 'forward' | 'hiddenStates' | 'logits' | 'scoreHead' | 'dynamicRotary'>;

/**
 * Both record inside the step, before they return; their promises need `ops.endStep()` to be fulfilled.
 * @param x [T, H], what the layers gave
 */
export async function poolHiddenStates(
  ops: Ops,
  model: StepModel,
  x: Tensor,
  scheduled: readonly ScheduledRequest[],
): Promise<void> {
  if (!scheduled.some(({ request }) => request.pooler)) return;
  const [, hiddenSize] = x.shape;
  const hidden = (await ops.read(model.hiddenStates(ops, x))) as Float32Array;
  const { scoreHead } = model;
  const score = scoreHead && ((vector: Float32Array) => scoreHead.score(vector));
  let t = 0;
  for (const { request, tokenIds, start } of scheduled) {
    const end = t + tokenIds.length;
    request.pooler?.add(start, hidden.subarray(t * hiddenSize, end * hiddenSize), hiddenSize, score);
    t = end;
  }
}

export async function scorePrompts(
  ops: Ops,
  step: Step,
  model: StepModel,
  x: Tensor,
  scheduled: readonly ScheduledRequest[],
): Promise<void> {
  const scored = scheduled.filter((entry) => entry.readsPrompt);
  if (scored.length === 0) return;
  const logits = model.logits(ops, ops.takePromptRows(x, step));
  const [, vocabSize] = logits.shape;
  const rows = (await ops.read(logits)) as Float32Array;
  let t = 0;
  for (const { request, tokenIds, start } of scored) {
    const end = t + tokenIds.length;
    request.promptScorer?.add(start, rows.subarray(t * vocabSize, end * vocabSize), vocabSize);
    t = end;
  }
}
