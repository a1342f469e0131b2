import { number } from '../../src/settings.ts';
import { counts, declare, modelFlag } from '../helpers/declare.ts';

export const spec = declare({
  name: 'lora',
  measures:
    'a batch over 1, 4, 8 and 16 LoRA adapters beside the model alone; TTFT of an adapter that is not on the device',
  more: 'Adapters are random, of all linear layers. Each kind of batch runs beside the model alone, first or second in turns; ratios are medians of these pairs.',
  flags: {
    model: modelFlag,
    rounds: number(5, { min: 1 }, { flags: ['rounds'], doc: 'Rounds of everything.' }),
    batch: number(16, { min: 1 }, { flags: ['batch'], doc: 'Sequences that decode at the same time.' }),
    adapters: counts([1, 4, 8, 16], { flags: ['adapters'], doc: 'Over so many adapters.' }),
    rank: number(16, { min: 1, max: 512 }, { flags: ['rank'], doc: 'Of each adapter.' }),
    tokens: number(32, { min: 2 }, { flags: ['tokens'], doc: 'Tokens that each sequence writes.' }),
  },
  examples: ['', '--rounds 3 --batch 1 --adapters 1', '--rank 64 --adapters 8'],
});
