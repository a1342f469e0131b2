/** Logits → tokens, in the order of vLLM. Each change of a logit is rounded to f32 as on the device. */
import { isSpoiled } from '../argmax/argmax.reference.ts';
import { NO_TOKEN, type Penalties, type SamplingRow } from '../ops.ts';
import { pickTokenReference } from './pick-token.reference.ts';

/**
 * @param logits [V], changed in place
 * @param tokenIds the row's tokens so far, prompt and output; only penalties look at them
 * @returns NO_TOKEN when a logit is NaN or +∞, also that of a token which the mask forbids
 */
export function sampleReference(logits: Float32Array, row: SamplingRow, tokenIds: ArrayLike<number>): number {
  if (isSpoiled(logits)) return NO_TOKEN;
  adjustReference(logits, row, tokenIds);
  return pickTokenReference(logits, row);
}

/** Biases, then penalties, then the mask. */
export function adjustReference(logits: Float32Array, row: SamplingRow, tokenIds: ArrayLike<number>): void {
  for (const [id, bias] of row.bias ?? []) if (id < logits.length) logits[id] += Math.fround(bias);
  if (row.penalties) penalizeReference(logits, row.penalties, tokenIds);
  if (row.ignoresLogits) logits.fill(0);
  if (row.mask) maskReference(logits, row.mask);
}

/**
 * repetition_penalty r over prompt and output (CTRL, Keskar et al. 2019): positive logits are divided by r, negative ones
 * multiplied. presence p and frequency f over the output only (OpenAI): `logit - (p + f · count)`.
 */
function penalizeReference(logits: Float32Array, penalties: Penalties, tokenIds: ArrayLike<number>): void {
  const { fround } = Math;
  const [repetition, presence, frequency] = [penalties.repetition, penalties.presence, penalties.frequency].map(fround);
  const counts = new Map<number, number>();
  for (let i = 0; i < tokenIds.length; i++) {
    const times = counts.get(tokenIds[i]) ?? 0;
    counts.set(tokenIds[i], i < penalties.promptLength ? times : times + 1);
  }
  for (const [id, count] of counts) {
    const logit = logits[id];
    logits[id] = logit > 0 ? logit / repetition : logit * repetition;
    if (count > 0) logits[id] -= fround(presence + fround(frequency * count));
  }
}

/** Forbids every token that is not in the mask. */
export function maskReference(logits: Float32Array, mask: Uint32Array): void {
  for (let id = 0; id < logits.length; id++) {
    if (((mask[id >>> 5] >>> (id & 31)) & 1) === 0) logits[id] = -Infinity;
  }
}
