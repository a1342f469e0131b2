/** What the engine is asked for: one request for each choice of each prompt, all put together here. */
import type { SamplingParams } from '../../engine/core/types.ts';
import type { TextOptions } from '../../text/answer/generated-text.ts';

export interface GenerationRequest extends TextOptions {
  readonly requestId: string;
  readonly promptIds: readonly number[];
  readonly params: SamplingParams;
  readonly signal: AbortSignal;
  /** Says, behind each piece that was taken, whether the text is whole already: it then ends as at a stop token. */
  readonly isWhole?: () => boolean;
  /** Name of the adapter that it is computed with. */
  readonly adapter?: string | undefined;
  /** See GenerateOptions. */
  readonly onAccepted?: () => void;
}

interface GenerationOptions {
  /** Of the answer, and of its request where it has only one; else each has its number behind it. */
  readonly id: string;
  readonly prompts: readonly Pick<GenerationRequest, 'promptIds' | 'params'>[];
  /** Choices of each prompt. Default 1. */
  readonly n?: number;
  readonly stop?: string | readonly string[] | undefined;
  /** Default false. */
  readonly includeStop?: boolean | undefined;
  /** Default true. */
  readonly skipSpecialTokens?: boolean | undefined;
  readonly signal: AbortSignal;
  readonly adapter?: string | undefined;
}

/** Choice c of prompt p is at `p * n + c`. */
export function generationRequests(options: GenerationOptions): GenerationRequest[] {
  const { id, prompts, n = 1, stop = [], includeStop = false, skipSpecialTokens = true, signal, adapter } = options;
  const stops = typeof stop === 'string' ? [stop] : stop;
  const shared = { stops, includeStop, skipSpecialTokens, signal, adapter };
  return Array.from({ length: prompts.length * n }, (_, i) => {
    const { promptIds, params } = prompts[Math.floor(i / n)];
    const requestId = prompts.length * n === 1 ? id : `${id}-${i}`;
    return { requestId, promptIds, params: forChoice(params, i % n), ...shared };
  });
}

/** The i-th of n choices: a given seed still gives n different texts, the same ones each time. */
function forChoice(params: SamplingParams, i: number): SamplingParams {
  return params.seed === null || i === 0 ? params : { ...params, seed: nthSeed(params.seed, i) };
}

/** No number up to 2⁶³ is farther than this from the next one towards zero, so that all multiples can be told apart. */
const FAR_STEP = 2 ** 11;

/** @param seed an integer from -2⁶³ to 2⁶³ */
function nthSeed(seed: number, i: number): number {
  if (!Number.isSafeInteger(seed)) return seed - Math.sign(seed) * i * FAR_STEP;
  return Number.isSafeInteger(seed + i) ? seed + i : seed - i;
}
