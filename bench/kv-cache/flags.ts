import { engineSettings } from '../../src/config.ts';
import { number, text } from '../../src/settings.ts';
import { declare, modelFlag, peerFlag } from '../helpers/declare.ts';

export const spec = declare({
  name: 'kv-cache',
  measures: 'each dtype of the KV cache: bytes a token, perplexity, the time of a decode step with a long context',
  more: `Perplexity: stored weights, f32 activations, against an f32 cache; the model is a .gguf file. Steps: int8 activations,
dtypes in turns, wall-clock and processor time, medians over the rounds. 0 tokens or 0 rounds leave either out.`,
  flags: {
    model: modelFlag,
    peer: peerFlag('llama.cpp with f16, q8_0 and q4_0'),
    text: text('test/fixtures/default-model/text.txt', 'file', { flags: ['text'], doc: 'What is read.' }),
    tokens: number(2048, { min: 0 }, { flags: ['tokens'], doc: 'Tokens of the text that are used.' }),
    window: number(512, { min: 2 }, { flags: ['window'], doc: 'Tokens of context; each window starts afresh.' }),
    context: number(4096, { min: 1 }, { flags: ['context'], doc: 'Tokens that the sequence has before the steps.' }),
    rounds: number(15, { min: 0 }, { flags: ['rounds'], doc: 'Turns: each dtype takes a step in each.' }),
    quant: engineSettings.quant,
  },
  examples: ['', '--peer', '--rounds 0', '--tokens 0 --rounds 40 --peer'],
});
