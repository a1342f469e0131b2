/**
 * Logits → tokens. Rows that are plainly greedy are decided on the device and only their ids are read; as soon as one
 * row of the step needs more, the step's logits are read and that row is sampled here.
 */
import type { Ops, Step } from '../kernels/ops.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { sampleIndex } from './host-sampling.ts';
import { applyMask } from './constraint.ts';
import type { LogitsProcessor } from './logits-processors.ts';
import { topLogprobs } from './logprobs.ts';
import { uniform } from './random.ts';
import type { ScheduledRequest } from './scheduler-output.ts';
import type { SampledToken } from './types.ts';

/**
 * Records sampling, to be called inside the step; the promise needs `ops.endStep()` to be fulfilled.
 * @param logits [L, V] f32, the rows of `step.batch.logitIndices`
 * @returns one token per scheduled request that samples, in order
 */
export async function sample(
  ops: Ops,
  step: Step,
  logits: Tensor,
  scheduled: readonly ScheduledRequest[],
  processors: readonly LogitsProcessor[],
): Promise<SampledToken[]> {
  const rows = scheduled.filter((entry) => entry.sample !== 'none');
  const ids = ops.argmax(logits);
  // Rows that are sampled on the host get a wrong token here, which no step asks for (Request.inFlightOnHost).
  ops.storeLastTokens(ids, step);
  const onHost = rows.some((entry) => entry.sample === 'host');
  const masks = Promise.all(rows.map(async ({ request }) => request.constraint?.mask() ?? null));
  const [argmax, values] = await Promise.all([ops.read(ids), onHost ? ops.read(logits) : null]);
  const allowed = await masks;
  const vocabSize = logits.shape[1];
  return rows.map((entry, i) => {
    if (entry.sample === 'device' || !values) return { id: argmax[i], logprobs: null };
    const row = (values as Float32Array).subarray(i * vocabSize, (i + 1) * vocabSize);
    return sampleOnHost(row, entry, processors, allowed[i]);
  });
}

/**
 * @param logits [V], overwritten
 * @param mask tokens that the request's grammar allows, null for all
 */
function sampleOnHost(
  logits: Float32Array,
  { request, outputIndex }: ScheduledRequest,
  processors: readonly LogitsProcessor[],
  mask: Uint32Array | null,
): SampledToken {
  const { params, seed } = request;
  // Logprobs are the model's own, before penalties, bias and temperature (as vLLM's raw_logprobs).
  const raw = params.logprobs === null ? null : logits.slice();
  for (const process of processors) process(logits, request, outputIndex);
  if (mask) applyMask(logits, mask);
  const id = sampleIndex(logits, params, uniform(seed, outputIndex));
  request.constraint?.accept(id);
  return { id, logprobs: raw && topLogprobs(raw, id, params.logprobs ?? 0) };
}
