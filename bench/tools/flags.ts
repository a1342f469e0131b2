import { choice, number, text, toggle } from '../../src/settings.ts';
import { declare, modelFlag } from '../helpers/declare.ts';
import type { HeldOutSet } from './cases.ts';

export const spec = declare({
  name: 'tools',
  measures: 'tool calls of a held-out set through a server, with and without the adapter for tools',
  more:
    'Counted are exact calls (names and arguments), no call where none is\n' +
    'wanted, both of two calls, and answers that contain what a tool returned. The example of OpenAI’s page is asked in ten seeds.',
  flags: {
    model: modelFlag,
    set: choice<HeldOutSet>('first', ['first', 'second'], {
      flags: ['set'],
      doc: 'Which held-out set: first, by the author of the training data, or second, by one who had not read them.',
    }),
    every: number(1, { min: 1 }, { flags: ['every'], doc: 'Take each n-th case of a kind.' }),
    sampling: choice('greedy', ['greedy', 'model'], {
      flags: ['sampling'],
      doc: 'Of the held-out requests: temperature 0, or what the model wants. The example has the temperature of its page.',
    }),
    seeds: number(10, { min: 0 }, { flags: ['seeds'], doc: 'In how many the example is asked.' }),
    toolChoice: choice('auto', ['auto', 'required'], { flags: ['tool_choice'], doc: 'Of all requests.' }),
    adapter: toggle(true, {
      flags: ['no_adapter'],
      doc: 'Describe the tools to the model itself, without the adapter.',
    }),
    out: text(null, 'file', { flags: ['out'], doc: 'Writes each case with its answer, a line of JSON each.' }),
  },
  examples: ['', '--set second', '--every 4 --sampling model', '--every 4 --no_adapter'],
});
