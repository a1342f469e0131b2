import { engineSettings } from '../../src/config.ts';
import { number } from '../../src/settings.ts';
import { counts, declare, modelFlag, peerFlag } from '../helpers/declare.ts';

// Of the engine's own settings these two are the bench's business: prompts are to be computed, not found.
const { modelDir: _model, disableDynamicPromptCache: _cache, ...settings } = engineSettings;

export const spec = declare({
  name: 'engine',
  measures:
    'load time, TTFT, prefill and decode speed, memory, event-loop delay; `--peer` runs llama.cpp in alternating rounds',
  more: 'The engine runs in a worker, as under `serve`; every flag of the engine is taken. Figures are medians of the rounds.',
  flags: {
    model: modelFlag,
    peer: peerFlag('llama.cpp'),
    rounds: number(5, { min: 1 }, { flags: ['rounds'], doc: 'Rounds of everything.' }),
    batches: counts([1, 4, 16], { flags: ['batches'], doc: 'Sequences that decode at the same time.' }),
    prompt: number(512, { min: 1 }, { flags: ['prompt'], doc: 'Tokens of the prompt that prefill is timed with.' }),
    tokens: number(64, { min: 2 }, { flags: ['tokens'], doc: 'Tokens that each sequence writes.' }),
    ...settings,
    maxTotalTokenNum: { ...settings.maxTotalTokenNum, default: 32768 },
  },
  examples: ['', '--peer --rounds 3 --batches 1,16', '--model FILE.gguf --no-overlap'],
});
