import { examEngineSettings } from '../../src/config.ts';
import { number } from '../../src/settings.ts';
import { declare, modelFlag, peerFlag } from '../helpers/declare.ts';

export const spec = declare({
  name: 'agreement',
  measures: 'greedy texts of a .gguf file, token by token beside what llama.cpp computes of it',
  more: `For each token that Dawnlight chose: whether it is llama.cpp's likeliest too, and both log-probabilities. llama.cpp rounds
activations to 8 bits on a processor, so that a few tokens that are nearly as likely as others may differ.`,
  flags: {
    model: modelFlag,
    peer: { ...peerFlag('llama.cpp'), default: '' },
    tokens: number(24, { min: 1 }, { flags: ['tokens'], doc: 'Tokens of each text.' }),
    activationDtype: examEngineSettings.activationDtype,
    kvCacheDtype: examEngineSettings.kvCacheDtype,
    quant: examEngineSettings.quant,
  },
  examples: ['', '--model gemma-3-270m-q4_k_m.gguf --tokens 16'],
});
