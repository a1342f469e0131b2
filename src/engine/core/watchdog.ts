/** Notices an engine that owes something and says nothing: a device that never answers, a thread that never returns. */

/** Milliseconds in which messages that had already come are read: this thread may have been the one that slept. */
const grace = 1000;

export class Watchdog {
  readonly #limit: number;
  readonly #onSilence: () => void;
  #timer: NodeJS.Timeout | null = null;

  /** @param limit milliseconds of silence */
  constructor(limit: number, onSilence: () => void) {
    this.#limit = limit;
    this.#onSilence = onSilence;
  }

  /** The engine spoke, or has something to do again: silence counts from now. */
  watch(): void {
    this.rest();
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(this.#onSilence, Math.min(grace, this.#limit));
      this.#timer.unref();
    }, this.#limit);
    this.#timer.unref();
  }

  /** Like `watch`, unless silence is counted already. */
  begin(): void {
    if (!this.#timer) this.watch();
  }

  /** Nothing is owed. */
  rest(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
