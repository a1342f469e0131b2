/** Which requests the device can sample for, so that their logits never leave it. */
import type { SamplingParams } from './types.ts';

/** @param outputIndex position in the output of the token to sample */
export function samplesOnDevice(params: SamplingParams, outputIndex: number): boolean {
  return (
    params.temperature === 0 &&
    params.repetitionPenalty === 1 &&
    params.presencePenalty === 0 &&
    params.frequencyPenalty === 0 &&
    params.logitBias === null &&
    params.allowedTokenIds === null &&
    params.logprobs === null &&
    params.constraint === null &&
    outputIndex >= params.minTokens
  );
}
