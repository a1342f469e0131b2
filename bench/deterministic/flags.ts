import { engineSettings } from '../../src/config.ts';
import { number } from '../../src/settings.ts';
import { counts, declare, modelFlag } from '../helpers/declare.ts';

export const spec = declare({
  name: 'deterministic',
  measures: 'what `--deterministic` costs: prompts and decode steps with and without, in turns',
  more: 'Medians of the rounds, and of the ratios within each. On lavapipe both are the same kernels, and so show the noise.',
  flags: {
    model: modelFlag,
    rounds: number(9, { min: 1 }, { flags: ['rounds'], doc: 'Turns: each takes a step of each kind in each.' }),
    prompts: counts([64, 512], { flags: ['prompts'], doc: 'Tokens of a prompt that is computed in one step.' }),
    batches: counts([1, 8, 16], { flags: ['batches'], doc: 'Sequences of a decode step.' }),
    context: number(256, { min: 1 }, { flags: ['context'], doc: 'Tokens that each sequence has before decode steps.' }),
    quant: engineSettings.quant,
  },
  examples: ['', '--rounds 5 --prompts 128 --batches 1,8,64', '--quant int4 --context 2048'],
});
