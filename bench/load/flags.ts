import { engineSettings } from '../../src/config.ts';
import { declare, modelFlag } from '../helpers/declare.ts';

export const spec = declare({
  name: 'load',
  measures: 'wall time, processor time and memory of each stage of loading a model, in a process of its own',
  flags: { model: modelFlag, quant: engineSettings.quant },
  examples: ['', '--model DIR --quant int4'],
});
