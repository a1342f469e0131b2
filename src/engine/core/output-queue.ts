/**
 * What the engine said of one request and the caller has not taken yet. Outputs that pile up in front of a slow reader
 * are joined into one; beyond `limit` the request fails, so that no reader makes the process grow.
 */
import { EngineError } from '../../errors.ts';
import type { RequestOutput, TokenLogprobs } from './types.ts';

/** Outputs joined: the last one's usage and end, everyone's tokens. */
interface Joined {
  last: RequestOutput;
  readonly tokenIds: number[];
  readonly logprobs: TokenLogprobs[] | null;
  promptLogprobs: RequestOutput['promptLogprobs'];
}

export class OutputQueue {
  readonly #limit: number;
  #pending: Joined | null = null;
  /** Token ids and logprobs in #pending. */
  #size = 0;
  #error: EngineError | null = null;
  #wake: (() => void) | null = null;

  /** @param limit token ids, and with logprobs each token's and each alternative's, that may wait to be taken */
  constructor(limit = Infinity) {
    this.#limit = limit;
  }

  /** @returns false when the limit was passed: what waited is dropped, and `next` throws slow_reader */
  push(output: RequestOutput): boolean {
    const { tokenIds, logprobs, promptLogprobs } = output;
    if (this.#pending) {
      this.#pending.last = output;
      this.#pending.tokenIds.push(...tokenIds);
      this.#pending.logprobs?.push(...(logprobs ?? []));
      this.#pending.promptLogprobs ??= promptLogprobs;
    } else {
      this.#pending = { last: output, tokenIds: [...tokenIds], logprobs: logprobs && [...logprobs], promptLogprobs };
    }
    this.#size += tokenIds.length + (logprobs ?? []).reduce((sum, { top }) => sum + 1 + top.length, 0);
    const fits = this.#size <= this.#limit;
    if (!fits) {
      this.#pending = null;
      this.#error = new EngineError(
        'slow_reader',
        `The answer was given up: its reader left more than ${this.#limit} tokens and logprobs unread.`,
      );
    }
    this.#wake?.();
    return fits;
  }

  fail(error: EngineError): void {
    this.#error = error;
    this.#wake?.();
  }

  /** The next output; throws what `fail` was given, once everything before it was taken. */
  async next(): Promise<RequestOutput> {
    for (;;) {
      if (this.#pending) {
        const { last, tokenIds, logprobs, promptLogprobs } = this.#pending;
        this.#pending = null;
        this.#size = 0;
        return { ...last, tokenIds, logprobs, promptLogprobs };
      }
      if (this.#error) throw this.#error;
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = null;
    }
  }
}
