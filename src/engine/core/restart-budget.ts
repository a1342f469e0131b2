/** How often an engine that died may be replaced: dying must not become a habit. */

const maxRestarts = 3;
/** Milliseconds in which so many crashes are too many. */
const crashWindow = 60_000;

export class RestartBudget {
  readonly #hangWindow: number;
  #times: number[] = [];

  /** @param hangLimit milliseconds that it takes to notice a hang: as many hangs in a row are too many */
  constructor(hangLimit: number) {
    this.#hangWindow = crashWindow + maxRestarts * hangLimit;
  }

  /** Whether one more is allowed; if so, it is booked. */
  take(why: 'crash' | 'hang'): boolean {
    const now = performance.now();
    const window = why === 'crash' ? crashWindow : this.#hangWindow;
    if (this.#times.filter((time) => now - time < window).length >= maxRestarts) return false;
    this.#times = [...this.#times.slice(1 - maxRestarts), now];
    return true;
  }
}
