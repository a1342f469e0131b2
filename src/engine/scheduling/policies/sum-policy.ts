/** Admission by a sum: each request counts for some slots, and all together may have a share of the pool. */
import type { AdmissionPolicy, PoolLoad, RequestLoad } from './policy.ts';

export class SumPolicy implements AdmissionPolicy {
  readonly #share: number;
  readonly #slots: (load: RequestLoad) => number;
  #room = 0;

  /** @param share of the pool; `slots`: what a request counts for */
  constructor(share: number, slots: (load: RequestLoad) => number) {
    this.#share = share;
    this.#slots = slots;
  }

  begin(pool: PoolLoad, running: readonly RequestLoad[]): void {
    const taken = running.reduce((sum, load) => sum + this.#slots(load), 0);
    this.#room = pool.capacity * this.#share - pool.shared - taken;
  }

  admit(candidate: RequestLoad): boolean {
    const slots = this.#slots(candidate);
    if (slots > this.#room) return false;
    this.#room -= slots;
    return true;
  }

  observe(): void {
    // Learns nothing.
  }
}
