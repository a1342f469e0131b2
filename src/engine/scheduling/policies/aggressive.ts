/**
 * Aggressive admission (vLLM's): a request starts when its prompt fits now, up to a watermark. Output still to come is
 * ignored, so the pool is full early and requests are paused and recomputed when it overflows.
 */
import type { PolicyKind } from './policy.ts';
import { SumPolicy } from './sum-policy.ts';

/** @param watermark share of the pool that may be filled at admission (the Past-Future paper tries 0.9 to 0.99) */
const create = (watermark: number) => new SumPolicy(watermark, ({ held }) => held);

export const aggressive: PolicyKind = {
  create: () => create(0.95),
  settings: [0.9, 0.95, 0.99].map((watermark) => ({
    name: `watermark ${watermark}`,
    published: watermark === 0.99,
    create: () => create(watermark),
  })),
};
