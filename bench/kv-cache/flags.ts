import { engineSettings } from '../../src/config.ts';
import { counts, declare, modelFlag } from '../helpers/declare.ts';
import { number } from '../../src/settings.ts';

export const spec = declare({
  name: 'kv-cache',
  measures: 'bytes a token and the time of a decode step with a long context, for each dtype of the KV cache, in turns',
  more: 'Wall-clock and processor time, medians over the rounds. What the dtypes cost in perplexity: `quality --kv`.',
  flags: {
    model: modelFlag,
    context: counts([512, 4096], { flags: ['context'], doc: 'Tokens that the sequence has before the steps.' }),
    rounds: number(15, { min: 1 }, { flags: ['rounds'], doc: 'Turns: each dtype takes a step in each.' }),
    quant: engineSettings.quant,
  },
  examples: ['', '--context 4096 --rounds 40'],
});
