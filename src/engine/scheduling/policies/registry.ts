/** `--scheduler_policy` → policy. A new policy is one file and one line here. */
import type { EngineConfig } from '../../../config.ts';
import { AggressivePolicy } from './aggressive.ts';
import { ConservativePolicy } from './conservative.ts';
import { FcfsPolicy } from './fcfs.ts';
import { PastFuturePolicy } from './past-future.ts';
import type { AdmissionPolicy } from './policy.ts';

export const policies: Readonly<Record<EngineConfig['schedulerPolicy'], () => AdmissionPolicy>> = {
  'past-future': () => new PastFuturePolicy(),
  aggressive: () => new AggressivePolicy(),
  conservative: () => new ConservativePolicy(),
  fcfs: () => new FcfsPolicy(),
};
