import { number, text } from '../../src/settings.ts';
import { declare, modelFlag, peerFlag } from '../helpers/declare.ts';

export const spec = declare({
  name: 'parsers',
  measures:
    'tool-call parsers (`--peer`: beside partial JSON), readers of model files beside Hugging Face’s; `--fuzz N`',
  flags: {
    model: { ...modelFlag, doc: 'The .gguf file that readers read; default the default model, fetched when missing.' },
    peer: peerFlag('partial-json'),
    plot: text(null, 'file', { flags: ['plot'], doc: 'Write an SVG of time per token by length.' }),
    fuzz: number(null, { min: 1 }, { flags: ['fuzz'], doc: 'Instead: so many damaged outputs, whole and cut.' }),
  },
  examples: ['', '--peer --plot parsers.svg', '--fuzz 100000'],
});
