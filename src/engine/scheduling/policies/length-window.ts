/** The "past" of Past-Future: output lengths of the requests that finished last, as an empirical distribution. */
export class LengthWindow {
  readonly #capacity: number;
  /** Ring buffer in order of arrival; `#next` is overwritten next. */
  readonly #recent: number[] = [];
  #next = 0;
  /** The same lengths, ascending; rebuilt when it is asked for after a change. */
  #sorted: number[] | null = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(length: number): void {
    this.#recent[this.#next] = length;
    this.#next = (this.#next + 1) % this.#capacity;
    this.#sorted = null;
  }

  /**
   * A total output length drawn from the window's distribution, on the condition that it is more than `generated`: the
   * quantile `u` (in [0, 1)) of the lengths above, interpolated between neighbours. `most`, the longest that it can get,
   * counts as one more observation, so that little is concluded from few.
   */
  sampleAbove(generated: number, most: number, u: number): number {
    this.#sorted ??= [...this.#recent].sort((a, b) => a - b);
    const sorted = this.#sorted;
    const first = upperBound(sorted, generated);
    const at = first + u * (sorted.length - first);
    const below = Math.floor(at);
    const length = (i: number): number => Math.min(i < sorted.length ? sorted[i] : most, most);
    return length(below) + (at - below) * (length(below + 1) - length(below));
  }
}

/** Index of the first element greater than `value` in an ascending array. */
function upperBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (sorted[mid] <= value) low = mid + 1;
    else high = mid;
  }
  return low;
}
