/** Each policy at several settings: what is compared is a policy at its best one. */
import { AggressivePolicy } from '../../src/engine/scheduling/policies/aggressive.ts';
import { ConservativePolicy } from '../../src/engine/scheduling/policies/conservative.ts';
import { FcfsPolicy } from '../../src/engine/scheduling/policies/fcfs.ts';
import { PastFuturePolicy } from '../../src/engine/scheduling/policies/past-future.ts';
import type { AdmissionPolicy } from '../../src/engine/scheduling/policies/policy.ts';

export interface Candidate {
  readonly policy: string;
  readonly setting: string;
  readonly create: (seed: number) => AdmissionPolicy;
}

export const candidates: readonly Candidate[] = [
  ...[0.03, 0.05, 0.1].map((reserved) => ({
    policy: 'past-future',
    setting: `reserved ${reserved}`,
    create: (seed: number) => new PastFuturePolicy({ reserved, seed }),
  })),
  ...[0.9, 0.95, 0.99].map((watermark) => ({
    policy: 'aggressive',
    setting: `watermark ${watermark}`,
    create: () => new AggressivePolicy(watermark),
  })),
  ...[1, 1.25, 1.5].map((overcommit) => ({
    policy: 'conservative',
    setting: `overcommit ${overcommit}`,
    create: () => new ConservativePolicy(overcommit),
  })),
  { policy: 'fcfs', setting: '', create: () => new FcfsPolicy() },
];
