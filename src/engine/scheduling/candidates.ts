/** In which order requests are asked whether they may start: by arrival, without those whose adapter is not on the device. */
import type { AdapterTable } from '../adapters/adapter-table.ts';
import type { EngineRequest } from '../core/engine-request.ts';

/**
 * A request that finds all slots for adapters in use lets so many others past that use adapters too. Then they wait with it,
 * until one of those that run has ended: a few that are always wanted do not keep the rest out for ever.
 */
const MOST_OVERTAKEN = 64;

/** One step's round. */
export class Candidates {
  readonly #adapters: AdapterTable | null;
  readonly #all: readonly EngineRequest[];
  #at = 0;
  /** The first that found no room for its adapter. */
  #blocked: EngineRequest | null = null;

  /** @param all those that do not run, in order */
  constructor(all: readonly EngineRequest[], adapters: AdapterTable | null) {
    this.#all = all;
    this.#adapters = adapters;
  }

  /** It starts, or the round is over. */
  next(): EngineRequest | null {
    while (this.#at < this.#all.length) {
      const request = this.#all[this.#at++];
      const { adapter } = request;
      if (!adapter || !this.#adapters) return request;
      if (this.#blocked && this.#blocked.overtaken >= MOST_OVERTAKEN) continue;
      const answer = this.#adapters.ask(adapter);
      if (answer === 'full') this.#blocked ??= request;
      if (answer !== 'ready') continue;
      if (this.#blocked) this.#blocked.overtaken++;
      return request;
    }
    return null;
  }
}
