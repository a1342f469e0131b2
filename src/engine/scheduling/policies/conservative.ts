/**
 * Conservative admission (TGI's, TensorRT-LLM's "guaranteed no evict"): every request is taken to produce all the tokens
 * it may, and that sum has to fit. Nothing is ever paused at overcommit 1, at the price of an emptier pool.
 */
import type { PolicyKind, RequestLoad } from './policy.ts';
import { SumPolicy } from './sum-policy.ts';

/** @param overcommit how many times the pool may be promised (the Past-Future paper tries 1 to 1.5) */
const create = (overcommit: number) => new SumPolicy(overcommit, slotsAtEnd);

/** If the request produces all it may. */
function slotsAtEnd({ held, maxNewTokens, generated }: RequestLoad): number {
  return held + maxNewTokens - generated;
}

export const conservative: PolicyKind = {
  create: () => create(1),
  settings: [1, 1.25, 1.5].map((overcommit) => ({
    name: `overcommit ${overcommit}`,
    published: overcommit === 1,
    create: () => create(overcommit),
  })),
};
