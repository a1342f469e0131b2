/** A device that computes nothing and only keeps time. */
import type { ModelRunner } from '../../src/engine/running/model-runner.ts';
import type { SchedulerOutput } from '../../src/engine/scheduling/scheduler-output.ts';
import type { SampledToken } from '../../src/engine/core/types.ts';

export const eosTokenId = 0;

/**
 * Seconds of one step: weights are read once, each token costs compute, each cached token read costs bandwidth. The
 * constants are those of a 7B model in f16 on an A100: 14 GB and 0.5 MB a token at 1.6 TB/s, 14 GFLOP a token at 200 TFLOP/s.
 */
export function stepSeconds(tokens: number, cachedTokensRead: number): number {
  return 0.009 + 70e-6 * tokens + 0.33e-6 * cachedTokensRead;
}

/** Every request gets token 1 until its drawn length is reached, then the end. */
export class ClockRunner implements ModelRunner {
  readonly samplesOnHost = false;
  readonly adapters = null;
  seconds = 0;
  readonly outputLength = new Map<string, number>();

  async launch({ scheduled, numTokens }: SchedulerOutput): Promise<SampledToken[]> {
    let read = 0;
    const sampled: SampledToken[] = [];
    for (const { request, start, tokenIds, samples, outputIndex } of scheduled) {
      read += start + tokenIds.length;
      if (!samples) continue;
      const last = outputIndex + 1 === this.outputLength.get(request.id);
      sampled.push({ id: last ? eosTokenId : 1, logprobs: null });
    }
    this.seconds += stepSeconds(numTokens, read);
    return sampled;
  }

  close(): void {
    // Nothing to free.
  }
}
