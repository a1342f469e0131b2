/** Logprobs of a prompt's own tokens: each one's under what the model expected behind the tokens before it. */
import type { EngineError } from '../../errors.ts';
import { isSpoiled } from '../../kernels/argmax/argmax.reference.ts';
import { topLogprobsReference } from '../../kernels/sample/top-logprobs.reference.ts';
import { nonFinite } from '../core/non-finite.ts';
import type { TokenLogprobs } from '../core/types.ts';

export class PromptScorer {
  readonly #ids: readonly number[];
  readonly #count: number;
  /** Nothing comes before the first token. */
  readonly #scores: (TokenLogprobs | null)[] = [null];
  #isTaken = false;
  error: EngineError | null = null;

  /** @param count how many of the likeliest tokens to list at each position */
  constructor(ids: readonly number[], count: number) {
    this.#ids = ids;
    this.#count = count;
  }

  get isDone(): boolean {
    return this.#scores.length >= this.#ids.length;
  }

  /** Whether logits of the tokens from `start` on tell of one without a score; those of earlier ones may still be on their way. */
  wants(start: number): boolean {
    return !this.isDone && start + 1 < this.#ids.length;
  }

  /**
   * Logits of the tokens at `start …` tell of those behind them. The last token's are for sampling, and a paused
   * request's tokens come twice: neither counts.
   * @param logits [n, vocabSize]
   */
  add(start: number, logits: Float32Array, vocabSize: number): void {
    for (let i = 0; i * vocabSize < logits.length; i++) {
      const next = start + i + 1;
      if (next !== this.#scores.length || this.isDone) continue;
      const row = logits.subarray(i * vocabSize, (i + 1) * vocabSize);
      if (isSpoiled(row)) this.error ??= nonFinite('logits');
      this.#scores.push(topLogprobsReference(row, this.#ids[next], this.#count));
    }
  }

  /** All of them, once they are there; null before and afterwards. */
  take(): readonly (TokenLogprobs | null)[] | null {
    if (!this.isDone || this.#isTaken || this.error) return null;
    this.#isTaken = true;
    return this.#scores;
  }
}
