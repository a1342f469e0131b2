import { engineSettings } from '../../src/config.ts';
import { number } from '../../src/settings.ts';
import { counts, declare, modelFlag } from '../helpers/declare.ts';

export const spec = declare({
  name: 'scaling',
  measures:
    'how a decode step’s time grows with its context and with the number of sequences, beside the bytes and operations counted',
  more: `Points take a step each in turns; medians over the rounds. Contexts are of one sequence; batches are of sequences with
--batch_context tokens each. Bytes and operations are what the kernels of the step say of themselves; the line beside the
measured times is the straight one through them, of time against what was counted, with the least relative error.`,
  flags: {
    model: modelFlag,
    contexts: counts([256, 512, 1024, 2048, 4096, 8192, 16384], {
      flags: ['contexts'],
      doc: 'Tokens in front of the step.',
    }),
    batches: counts([1, 2, 4, 8, 16, 32, 64], { flags: ['batches'], doc: 'Sequences of a step.' }),
    batchContext: number(256, { min: 1 }, { flags: ['batch_context'], doc: 'Tokens in front of each of them.' }),
    rounds: number(7, { min: 1 }, { flags: ['rounds'], doc: 'Turns: each point takes a step in each.' }),
    quant: engineSettings.quant,
  },
  examples: ['', '--contexts 256,2048 --batches 1,8 --rounds 3'],
});
