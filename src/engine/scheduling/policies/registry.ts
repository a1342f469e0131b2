/**
 * `--scheduler_policy` → policy. A new policy is one file and one line here: the flag, its help, its errors and the columns of
 * `npm run bench -- scheduler` come from this table. The first is the default.
 */
import { aggressive } from './aggressive.ts';
import { conservative } from './conservative.ts';
import { fcfs } from './fcfs.ts';
import { pastFuture } from './past-future.ts';
import type { PolicyKind } from './policy.ts';

export const policies = {
  'past-future': pastFuture,
  aggressive,
  conservative,
  fcfs,
} satisfies Record<string, PolicyKind>;

export type PolicyName = keyof typeof policies;
export const policyNames = Object.keys(policies) as PolicyName[];
