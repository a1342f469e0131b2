/**
 * Conservative admission (TGI's, TensorRT-LLM's "guaranteed no evict"): every request is taken to produce all the tokens
 * it may, and that sum has to fit. Nothing is ever paused at overcommit 1, at the price of an emptier pool.
 */
import type { AdmissionPolicy, PolicyKind, PoolLoad, RequestLoad } from './policy.ts';

export class ConservativePolicy implements AdmissionPolicy {
  readonly name = 'conservative';
  readonly #overcommit: number;
  #room = 0;

  /** @param overcommit how many times the pool may be promised (the Past-Future paper tries 1 to 1.5) */
  constructor(overcommit = 1) {
    this.#overcommit = overcommit;
  }

  begin(pool: PoolLoad, running: readonly RequestLoad[]): void {
    this.#room = pool.capacity * this.#overcommit - pool.shared - running.reduce((sum, load) => sum + final(load), 0);
  }

  admit(candidate: RequestLoad): boolean {
    if (final(candidate) > this.#room) return false;
    this.#room -= final(candidate);
    return true;
  }

  observe(): void {
    // Learns nothing.
  }
}

/** Slots that the request holds at its end if it produces all it may. */
function final(load: RequestLoad): number {
  return load.held + load.maxNewTokens - load.generated;
}

export const conservative: PolicyKind = {
  create: () => new ConservativePolicy(),
  settings: [1, 1.25, 1.5].map((overcommit) => ({
    name: `overcommit ${overcommit}`,
    published: overcommit === 1,
    create: () => new ConservativePolicy(overcommit),
  })),
};
