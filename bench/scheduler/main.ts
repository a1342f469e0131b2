/**
 * Admission policies under overload, simulated; and the engine's features switched off one at a time, on a real model.
 *   npm run bench -- scheduler [--quick] [--condition NAME]… [--workload NAME]… [--out FILE] [--svg FILE]
 *   npm run bench -- scheduler --real [--model FILE] [--rounds N] [--without radix|overlap|chunked-prefill]… [--activations f32]
 */
import { parseArgs } from 'node:util';
import { engineSettings } from '../../src/config.ts';
import { benchPolicies } from './policies.ts';
import { benchFeatures } from './real.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    condition: { type: 'string', multiple: true, default: [] },
    workload: { type: 'string', multiple: true, default: [] },
    out: { type: 'string', default: '.bench/scheduler.jsonl' },
    svg: { type: 'string' },
    real: { type: 'boolean', default: false },
    model: { type: 'string' },
    activations: { type: 'string', default: 'auto' },
    rounds: { type: 'string', default: '3' },
    without: { type: 'string', multiple: true, default: ['radix', 'overlap', 'chunked-prefill'] },
  },
});
if (values.real) {
  const activations = engineSettings.activationDtype.parse(values.activations, '--activations') as
    'auto' | 'f32' | 'int8';
  await benchFeatures({ model: values.model, rounds: Number(values.rounds), without: values.without, activations });
  process.exit(0);
}
await benchPolicies(values);
