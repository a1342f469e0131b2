import { number, text } from '../../src/settings.ts';
import { declare, modelFlag, peerFlag } from '../helpers/declare.ts';

export const spec = declare({
  name: 'quality',
  measures: 'perplexity and KL divergence of every weight format and activation path; `--peer` adds llama.cpp’s own',
  more: 'Against the stored weights with f32 activations, on a fixed text. The model is a .gguf file, or has an `--original` that is one. Dtypes of the KV cache: `kv-cache`.',
  flags: {
    model: modelFlag,
    peer: peerFlag('llama.cpp'),
    original: text<null>(null, 'file', {
      flags: ['original'],
      doc: 'A .gguf file of the same model: what all are compared with, and whose tokenizer splits the text. The model may then be a directory.',
    }),
    text: text('test/fixtures/default-model/text.txt', 'file', { flags: ['text'], doc: 'What is read.' }),
    tokens: number(2048, { min: 2 }, { flags: ['tokens'], doc: 'Tokens of the text that are used.' }),
    window: number(512, { min: 2 }, { flags: ['window'], doc: 'Tokens of context; each window starts afresh.' }),
  },
  examples: ['', '--peer --tokens 512', '--model DIR --original FILE.gguf'],
});
