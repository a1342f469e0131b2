/**
 * Aggressive admission (vLLM's): a request starts when its prompt fits now, up to a watermark. Output still to come is
 * ignored, so the pool is full early and requests are paused and recomputed when it overflows.
 */
import type { AdmissionPolicy, PolicyKind, PoolLoad, RequestLoad } from './policy.ts';

export class AggressivePolicy implements AdmissionPolicy {
  readonly name = 'aggressive';
  readonly #watermark: number;
  #room = 0;

  /** @param watermark share of the pool that may be filled at admission (the Past-Future paper tries 0.9 to 0.99) */
  constructor(watermark = 0.95) {
    this.#watermark = watermark;
  }

  begin(pool: PoolLoad, running: readonly RequestLoad[]): void {
    this.#room = pool.capacity * this.#watermark - pool.shared - running.reduce((sum, load) => sum + load.held, 0);
  }

  admit(candidate: RequestLoad): boolean {
    if (candidate.held > this.#room) return false;
    this.#room -= candidate.held;
    return true;
  }

  observe(): void {
    // Learns nothing.
  }
}

export const aggressive: PolicyKind = {
  create: () => new AggressivePolicy(),
  settings: [0.9, 0.95, 0.99].map((watermark) => ({
    name: `watermark ${watermark}`,
    published: watermark === 0.99,
    create: () => new AggressivePolicy(watermark),
  })),
};
