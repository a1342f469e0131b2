/**
 * Logits → tokens, on the device: what is read are ids, and the log-probabilities that were asked for. Only processors of
 * the caller's own need the logits themselves (host-sampler.ts).
 */
import { NO_TOKEN, type Ops, type Step } from '../../kernels/ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { isPlainlyGreedy, samplingRow } from './sampling-row.ts';
import type { SamplingLimits } from './token-mask.ts';
import type { ScheduledRequest } from '../scheduling/scheduler-output.ts';
import type { SampledToken, TokenLogprobs } from '../core/types.ts';

/**
 * Records sampling, to be called inside the step; the promise needs `ops.endStep()` to be fulfilled.
 * @param logits [L, V] f32, the rows of `step.batch.logitIndices`
 * @param requests those that sample, one for each row of logits; none where the one row is a prompt's inner token's
 * @param grammars which tokens each one's grammar allows, null for all
 * @returns one token per request, in order
 */
export async function sample(
  ops: Ops,
  step: Step,
  logits: Tensor,
  requests: readonly ScheduledRequest[],
  grammars: readonly (Uint32Array | null)[],
  limits: SamplingLimits,
): Promise<SampledToken[]> {
  const sampling = requests.map((entry, i) => samplingRow(entry, grammars[i], limits));
  const ids = sampling.every(isPlainlyGreedy) ? ops.argmax(logits) : ops.sample(logits, step, sampling);
  if (requests.length > 0) ops.storeLastTokens(ids, step);
  const watched = requests.flatMap(({ request }, i) => (request.params.logprobs === null ? [] : [i]));
  const asked = watched.map((i) => requests[i].request.params.logprobs ?? 0);
  const width = Math.min(Math.max(0, ...asked), limits.vocabSize);
  const listed = watched.length === 0 ? null : ops.topLogprobs(logits, ids, watched, width);
  const [sampled, logprobs] = await Promise.all([ops.read(ids), listed && ops.read(listed)]);
  return requests.map((_, i) => {
    const at = watched.indexOf(i);
    if (!logprobs || at < 0) return { id: sampled[i], logprobs: null };
    if (sampled[i] === NO_TOKEN) return { id: NO_TOKEN, logprobs: null };
    const result = (logprobs as Float32Array).subarray(at * (1 + 2 * width), (at + 1) * (1 + 2 * width));
    return { id: sampled[i], logprobs: tokenLogprobs(result, Math.min(asked[at], width)) };
  });
}

/** @param result of Ops.topLogprobs for one token: its log-probability, then pairs of id and log-probability */
function tokenLogprobs(result: Float32Array, count: number): TokenLogprobs {
  const top = Array.from({ length: count }, (_, n) => ({ id: result[1 + 2 * n], logprob: result[2 + 2 * n] }));
  return { logprob: result[0], top };
}
