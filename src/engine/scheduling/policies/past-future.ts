/**
 * Past-Future admission: predict how long each request will still run from how long the recent ones ran (the past), and
 * admit only while the batch's peak memory (the future) fits. Predictions are redrawn in every step: a request that has
 * already produced n tokens is drawn from the lengths greater than n, so that errors correct themselves.
 *
 * Source: Past-Future Scheduler for LLM Serving under SLA Guarantees (ASPLOS 2025).
 */
import { uniform } from '../../running/random.ts';
import { LengthWindow } from './length-window.ts';
import { peakSlots } from './peak.ts';
import type { AdmissionPolicy, PolicyKind, PoolLoad, RequestLoad } from './policy.ts';

interface PastFutureOptions {
  /** Finished requests that are remembered (paper: 1000). */
  readonly window?: number;
  /** Independent predictions for the whole batch, of which the worst counts. */
  readonly sampleSets?: number;
  /** Share of the pool that predictions must leave free (paper: 3 to 10 %). */
  readonly reserved?: number;
  readonly seed?: number;
}

export class PastFuturePolicy implements AdmissionPolicy {
  readonly #window: LengthWindow;
  readonly #reserved: number;
  readonly #seed: number;
  #draws = 0;
  #limit = 0;
  readonly #held: number[] = [];
  /** One prediction of all remaining lengths per sample set. */
  readonly #remaining: number[][];

  constructor(options: PastFutureOptions = {}) {
    this.#window = new LengthWindow(options.window ?? 1000);
    this.#remaining = Array.from({ length: options.sampleSets ?? 5 }, () => []);
    this.#reserved = options.reserved ?? 0.05;
    this.#seed = options.seed ?? 0;
  }

  begin(pool: PoolLoad, running: readonly RequestLoad[]): void {
    this.#limit = pool.capacity * (1 - this.#reserved) - pool.shared;
    this.#held.length = 0;
    for (const set of this.#remaining) set.length = 0;
    for (const load of running) this.#push(load);
  }

  admit(candidate: RequestLoad): boolean {
    this.#push(candidate);
    if (this.#remaining.every((set) => peakSlots(this.#held, set) <= this.#limit)) return true;
    this.#held.pop();
    for (const set of this.#remaining) set.pop();
    return false;
  }

  observe(outputTokens: number): void {
    this.#window.add(outputTokens);
  }

  #push(load: RequestLoad): void {
    this.#held.push(load.held);
    for (const set of this.#remaining) set.push(this.#predictRemaining(load));
  }

  #predictRemaining({ generated, maxNewTokens }: RequestLoad): number {
    return this.#window.sampleAbove(generated, maxNewTokens, uniform(this.#seed, this.#draws++)) - generated;
  }
}

export const pastFuture: PolicyKind = {
  create: (seed = 0) => new PastFuturePolicy({ seed }),
  settings: [0.03, 0.05, 0.1].map((reserved) => ({
    name: `reserved ${reserved}`,
    published: reserved === 0.05,
    create: (seed = 0) => new PastFuturePolicy({ reserved, seed }),
  })),
};
