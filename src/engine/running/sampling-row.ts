/** A request's sampling parameters as the device takes them. */
import type { SamplingRow } from '../../kernels/ops.ts';
import { uniform } from './random.ts';
import type { ScheduledRequest } from '../scheduling/scheduler-output.ts';
import type { SamplingParams } from '../core/types.ts';
import { type SamplingLimits, tokenMask } from './token-mask.ts';

const SMALLEST_TEMPERATURE = 1e-30;

/** @param grammar the tokens that the request's grammar allows, null for all */
export function samplingRow(
  { request, outputIndex }: ScheduledRequest,
  grammar: Uint32Array | null,
  limits: SamplingLimits,
): SamplingRow {
  const { params, promptLength, seed } = request;
  const { repetitionPenalty: repetition, presencePenalty: presence, frequencyPenalty: frequency } = params;
  return {
    bias: params.logitBias && finite(params.logitBias),
    penalties: hasPenalties(params) ? { promptLength, repetition, presence, frequency } : null,
    ...tokenMask(params, outputIndex, grammar, limits),
    // Below it only the largest logit has a weight in f32, and the inverse of the smallest is infinite.
    temperature: params.temperature < SMALLEST_TEMPERATURE ? 0 : params.temperature,
    minP: params.minP,
    topK: params.topK,
    topP: params.topP,
    u: uniform(seed, outputIndex),
  };
}

export function hasPenalties({ repetitionPenalty, presencePenalty, frequencyPenalty }: SamplingParams): boolean {
  return repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0;
}

/** Nothing but the largest logit counts, so that `argmax` is enough. */
export function isPlainlyGreedy(row: SamplingRow): boolean {
  return row.temperature === 0 && row.bias === null && row.penalties === null && row.mask === null;
}

/** A bias of -Infinity is a ban: tokenMask knows it. */
function finite(bias: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
  return new Map([...bias].filter(([, value]) => value > -Infinity));
}
