/**
 * What the engine said of one request and the caller has not taken yet. Outputs that pile up in front of a slow reader
 * are joined into one, so that memory is bounded by the answer's length however slow the reader is.
 */
import type { EngineError } from '../errors.ts';
import type { RequestOutput } from './types.ts';

export class OutputQueue {
  #pending: RequestOutput | null = null;
  #error: EngineError | null = null;
  #wake: (() => void) | null = null;

  push(output: RequestOutput): void {
    this.#pending = this.#pending ? join(this.#pending, output) : output;
    this.#wake?.();
  }

  fail(error: EngineError): void {
    this.#error = error;
    this.#wake?.();
  }

  /** The next output; throws what `fail` was given, once everything before it was taken. */
  async next(): Promise<RequestOutput> {
    for (;;) {
      const output = this.#pending;
      if (output) {
        this.#pending = null;
        return output;
      }
      if (this.#error) throw this.#error;
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = null;
    }
  }
}

function join(a: RequestOutput, b: RequestOutput): RequestOutput {
  return {
    ...b,
    tokenIds: [...a.tokenIds, ...b.tokenIds],
    logprobs: a.logprobs && b.logprobs && [...a.logprobs, ...b.logprobs],
  };
}
