/** Sampling on the host, where processors of the caller's own want to see the logits: by the kernels' references. */
import { isSpoiled } from '../../kernels/argmax/argmax.reference.ts';
import { NO_TOKEN, type Ops } from '../../kernels/ops.ts';
import { pickTokenReference } from '../../kernels/sample/pick-token.reference.ts';
import { adjustReference, maskReference } from '../../kernels/sample/sample.reference.ts';
import { topLogprobsReference } from '../../kernels/sample/top-logprobs.reference.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { LogitsProcessor } from './logits-processors.ts';
import { samplingRow } from './sampling-row.ts';
import type { SamplingLimits } from './token-mask.ts';
import type { ScheduledRequest } from '../scheduling/scheduler-output.ts';
import type { SampledToken } from '../core/types.ts';

/**
 * Reads a step's logits, to be called inside the step; the promise needs `ops.endStep()` to be fulfilled.
 * @param logits [L, V] f32
 * @param requests those that sample, one for each row of logits; none where the one row is a prompt's inner token's
 * @param grammars which tokens each one's grammar allows, null for all
 * @returns one token per request, in order
 */
export async function sampleOnHost(
  ops: Ops,
  logits: Tensor,
  requests: readonly ScheduledRequest[],
  grammars: readonly (Uint32Array | null)[],
  limits: SamplingLimits,
  processors: readonly LogitsProcessor[],
): Promise<SampledToken[]> {
  const values = (await ops.read(logits)) as Float32Array;
  return requests.map((entry, i) => {
    const raw = values.subarray(i * limits.vocabSize, (i + 1) * limits.vocabSize);
    return sampleOne(raw, entry, grammars[i], limits, processors);
  });
}

function sampleOne(
  raw: Float32Array,
  entry: ScheduledRequest,
  grammar: Uint32Array | null,
  limits: SamplingLimits,
  processors: readonly LogitsProcessor[],
): SampledToken {
  if (isSpoiled(raw)) return { id: NO_TOKEN, logprobs: null };
  const { request, outputIndex } = entry;
  const sampling = samplingRow(entry, grammar, limits);
  const logits = raw.slice();
  adjustReference(logits, sampling, request.tokenIds);
  for (const process of processors) process(logits, request, outputIndex);
  if (grammar && sampling.mask) {
    // What a processor allowed the grammar forbids all the same; if they leave nothing, the grammar wins.
    maskReference(logits, sampling.mask);
    if (logits.every((logit) => logit === -Infinity)) {
      logits.fill(0);
      maskReference(logits, sampling.mask);
    }
  }
  const id = pickTokenReference(logits, sampling);
  const { logprobs } = request.params;
  return { id, logprobs: logprobs === null ? null : topLogprobsReference(raw, id, logprobs) };
}
