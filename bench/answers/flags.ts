import { number } from '../../src/settings.ts';
import { declare, modelFlag, peerFlag } from '../helpers/declare.ts';

export const spec = declare({
  name: 'answers',
  measures:
    'answers to 20 plain questions, greedy and with the default sampling, to be read; `--peer` puts llama.cpp’s beside them',
  more:
    'An answer counts as right when it has the word that was asked for; read them all the same. llama.cpp gets the same prompt\n' +
    'tokens, and for the second answer its own default sampling.',
  flags: {
    model: modelFlag,
    peer: peerFlag('llama.cpp'),
    maxTokens: number(48, { min: 1 }, { flags: ['max_tokens'], doc: 'Longest answer.' }),
    seed: number(1, { min: 0 }, { flags: ['seed'], doc: 'Of the sampled answers.' }),
  },
  examples: ['', '--peer'],
});
