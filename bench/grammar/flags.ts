import { number } from '../../src/settings.ts';
import { counts, declare, modelFlag } from '../helpers/declare.ts';

export const spec = declare({
  name: 'grammar',
  measures: 'time per token with, without and beside a grammar; random JSON schemas through the model (`--schemas N`)',
  more: 'With --schemas the exit code is 1 when an answer that ended by itself is not valid. The model is a .gguf file.',
  flags: {
    model: modelFlag,
    batches: counts([1, 16], { flags: ['batches'], doc: 'Sequences at the same time.' }),
    rounds: number(5, { min: 1 }, { flags: ['rounds'], doc: 'Rounds of each batch.' }),
    tokens: number(64, { min: 2 }, { flags: ['tokens'], doc: 'Tokens that each sequence writes.' }),
    schemas: number(null, { min: 1 }, { flags: ['schemas'], doc: 'Instead: so many random schemas, temperature 1.' }),
    seed: number(1, { min: 0 }, { flags: ['seed'], doc: 'With --schemas: the first one’s seed.' }),
    parallel: number(16, { min: 1 }, { flags: ['parallel'], doc: 'With --schemas: answers at the same time.' }),
    maxTokens: number(256, { min: 1 }, { flags: ['max_tokens'], doc: 'With --schemas: longest answer.' }),
  },
  examples: ['', '--schemas 100 --seed 7'],
});
