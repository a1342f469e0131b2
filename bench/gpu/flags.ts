import { number, text } from '../../src/settings.ts';
import { counts, declare, names } from '../helpers/declare.ts';
import { shapes } from './random-checkpoint.ts';

export const spec = declare({
  name: 'gpu',
  measures:
    'adapter, overheads, the kernel table, the models, speed at real shapes against the roofline, the engine (`npm run gpu`, `npm run gpu -- --pack`)',
  more: 'What is not given depends on the adapter: software ones get smaller shapes and more time.',
  flags: {
    out: text('gpu.json', 'file', { flags: ['out'], doc: 'Results so far, written after each part.' }),
    minutes: number(null, { min: 0.1, integer: false }, { flags: ['minutes'], doc: 'Limit of the whole run.' }),
    shapes: names(Object.keys(shapes), 'name', { flags: ['shapes'], doc: 'Models whose shapes are timed.' }),
    prefill: number(null, { min: 1 }, { flags: ['prefill'], doc: 'Tokens of the prompt.' }),
    batches: counts([], { flags: ['batches'], doc: 'Sequences that decode at the same time.' }),
    rounds: number(5, { min: 1 }, { flags: ['rounds'], doc: 'Rounds of each speed.' }),
  },
  examples: ['', '--minutes 3 --shapes smollm2-135m'],
});
