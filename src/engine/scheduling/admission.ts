/** Asks the policy, in its own terms: requests and slots turned into loads. */
import type { KVCacheManager } from '../cache/kv-cache-manager.ts';
import type { AdmissionPolicy, PoolLoad, RequestLoad } from './policies/policy.ts';
import type { EngineRequest } from '../core/engine-request.ts';

/** One step's round of admissions. */
export class Admission {
  readonly #kv: KVCacheManager;
  readonly #policy: AdmissionPolicy;
  readonly #running: readonly EngineRequest[];
  #begun = false;

  /** @param running the scheduler's own list, which grows by what is admitted */
  constructor(kv: KVCacheManager, policy: AdmissionPolicy, running: readonly EngineRequest[]) {
    this.#kv = kv;
    this.#policy = policy;
    this.#running = running;
  }

  /** @param leastTokens tokens that the request computes in this step at least; null: all that are not cached */
  accepts(request: EngineRequest, leastTokens: number | null, budget: number): boolean {
    // With nothing running every slot is free or evictable, and an accepted request fits: the head always starts.
    if (this.#running.length === 0) return true;
    const { cached, locked } = this.#kv.peekPrefix(request);
    const least = leastTokens ?? request.tokenIds.length - cached;
    // What it takes over from the spare part of the cache is no longer available to it.
    if (least > budget || least > this.#kv.available - (cached - locked)) return false;
    if (!this.#begun) this.#policy.begin(...this.#runningLoads());
    this.#begun = true;
    return this.#policy.admit(load(request, request.tokenIds.length - locked));
  }

  #runningLoads(): [PoolLoad, RequestLoad[]] {
    let alone = 0;
    const loads = this.#running.map((request) => {
      const held = this.#kv.heldAlone(request);
      alone += held;
      return load(request, held + Math.max(0, request.tokenIds.length - request.slots.length));
    });
    const capacity = this.#kv.pool.size;
    return [{ capacity, shared: capacity - this.#kv.available - alone }, loads];
  }
}

function load(request: EngineRequest, held: number): RequestLoad {
  return { held, generated: request.numOutputTokens, maxNewTokens: request.maxNewTokens };
}
