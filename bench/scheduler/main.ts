/** Admission policies under overload, simulated; or the engine's features switched off one at a time, on a real model. */
import type { RunBench } from '../helpers/declare.ts';
import { modelPath } from '../helpers/model.ts';
import type { spec } from './flags.ts';
import { benchPolicies } from './policies.ts';
import { benchFeatures } from './real.ts';

export const run: RunBench<typeof spec> = async (flags) => {
  if (!flags.real) return benchPolicies(flags);
  const { rounds, without, activationDtype: activations } = flags;
  return benchFeatures({ model: await modelPath(flags.model), rounds, without, activations });
};
