import { number, text, toggle } from '../../src/settings.ts';
import { declare, modelFlag, peerFlag } from '../helpers/declare.ts';

export const spec = declare({
  name: 'quality',
  measures: 'perplexity and KL divergence of every weight format and activation path; `--peer` adds llama.cpp’s own',
  more: 'Against the stored weights with f32 activations, on a fixed text. The model is a .gguf file.',
  flags: {
    model: modelFlag,
    peer: peerFlag('llama.cpp'),
    text: text('test/fixtures/default-model/text.txt', 'file', { flags: ['text'], doc: 'What is read.' }),
    tokens: number(2048, { min: 2 }, { flags: ['tokens'], doc: 'Tokens of the text that are used.' }),
    kv: toggle(false, { flags: ['kv'], doc: 'Only the dtypes of the KV cache, of llama.cpp’s too.' }),
    window: number(512, { min: 2 }, { flags: ['window'], doc: 'Tokens of context; each window starts afresh.' }),
  },
  examples: ['', '--peer --tokens 512', '--kv --peer'],
});
