/** Hidden states of a prompt's tokens → one vector, however the prompt is cut into steps. */
import { EngineError } from '../../errors.ts';
import { nonFinite } from '../core/non-finite.ts';
import type { Pooling } from '../core/types.ts';

export class Pooler {
  readonly pooling: Pooling;
  readonly #length: number;
  /** The first position whose hidden state was not taken: tokens may come twice, when the request was paused. */
  #next = 0;
  /** mean: the sum so far, in float64. */
  #sum: Float64Array | null = null;
  #result: Float32Array | null = null;

  /** @param length tokens of the prompt */
  constructor(pooling: Pooling, length: number) {
    this.pooling = pooling;
    this.#length = length;
  }

  /** [H]; null until the last token's hidden state was added. */
  get result(): Float32Array | null {
    return this.#result;
  }

  get error(): EngineError | null {
    return this.#result?.every(Number.isFinite) === false ? nonFinite('hidden states') : null;
  }

  /**
   * @param rows [n, hiddenSize] of the tokens at `start … start + n - 1`
   * @param score the head of a reward model
   */
  add(start: number, rows: Float32Array, hiddenSize: number, score: ((hidden: Float32Array) => number) | null): void {
    const end = start + rows.length / hiddenSize;
    if (this.pooling === 'mean') this.#addToMean(start, rows, hiddenSize);
    this.#next = Math.max(this.#next, end);
    if (end < this.#length) return;
    const last = rows.slice(rows.length - hiddenSize);
    if (this.pooling === 'mean') this.#result = Float32Array.from(this.#sum!, (x) => x / this.#length);
    else if (this.pooling === 'last') this.#result = last;
    else if (score) this.#result = Float32Array.of(score(last));
    else throw new EngineError('internal_error', 'a score was asked of a model without a score head');
  }

  #addToMean(start: number, rows: Float32Array, hiddenSize: number): void {
    const sum = (this.#sum ??= new Float64Array(hiddenSize));
    for (let i = (Math.max(start, this.#next) - start) * hiddenSize; i < rows.length; i++) {
      sum[i % hiddenSize] += rows[i];
    }
  }
}
