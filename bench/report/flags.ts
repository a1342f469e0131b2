import { toggle } from '../../src/settings.ts';
import { declare } from '../helpers/declare.ts';

export const spec = declare({
  name: 'report',
  measures:
    'nothing: writes docs/benchmarks.md, what benches measured (bench/results) beside what others published (bench/published.json)',
  more: 'Decode is shown as a share of memory bandwidth, prefill and serving as a share of arithmetic.',
  flags: {
    check: toggle(false, { flags: ['check'], doc: 'Write nothing; exit code 1 where a file is not up to date.' }),
  },
  examples: ['', '--check'],
});
