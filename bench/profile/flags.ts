import { engineSettings } from '../../src/config.ts';
import { choice, number } from '../../src/settings.ts';
import { declare, modelFlag } from '../helpers/declare.ts';

export const spec = declare({
  name: 'profile',
  measures: 'where a step’s time goes: milliseconds and dispatches by kernel, from the device’s timestamps',
  more: 'One decode step of `--batch` sequences with `--context` tokens each, or, with `--prefill`, one prompt.',
  flags: {
    model: modelFlag,
    batch: number(1, { min: 1 }, { flags: ['batch'], doc: 'Sequences of the step.' }),
    context: number(128, { min: 0 }, { flags: ['context'], doc: 'Tokens that each sequence has before the step.' }),
    prefill: number(null, { min: 1 }, { flags: ['prefill'], doc: 'Instead: one prompt of so many tokens.' }),
    steps: number(12, { min: 1 }, { flags: ['steps'], doc: 'Steps that are timed.' }),
    quant: engineSettings.quant,
    activations: choice<'int8' | 'f32'>('int8', ['int8', 'f32'], {
      flags: ['activations', 'activation_dtype'],
      doc: 'Activations that feed integer matrix products.',
    }),
  },
  examples: ['', '--batch 16 --context 512', '--prefill 256'],
});
