/** A clock that stands still while anything can go on, and then leaps to the next sleeper. */
import type { Clock } from '../../bench/serving/clock.ts';

export class VirtualClock implements Clock {
  #now = 0;
  readonly #sleepers: { at: number; wake: () => void }[] = [];
  #isPumping = false;

  now(): number {
    return this.#now;
  }

  sleep(milliseconds: number): Promise<void> {
    const slept = new Promise<void>((wake) => this.#sleepers.push({ at: this.#now + milliseconds, wake }));
    if (!this.#isPumping) void this.#pump();
    return slept;
  }

  async #pump(): Promise<void> {
    this.#isPumping = true;
    while (this.#sleepers.length > 0) {
      // Everything that was woken has gone as far as it can: only promises stand between.
      await new Promise((resolve) => setImmediate(resolve));
      const next = this.#sleepers.reduce((a, b) => (b.at < a.at ? b : a));
      this.#sleepers.splice(this.#sleepers.indexOf(next), 1);
      this.#now = next.at;
      next.wake();
    }
    this.#isPumping = false;
  }
}
