import { engineSettings } from '../../src/config.ts';
import { choice, number, text } from '../../src/settings.ts';
import { declare, modelFlag } from '../helpers/declare.ts';

export const spec = declare({
  name: 'profile',
  measures:
    'where a step’s time goes: milliseconds, GB/s, GFLOP/s and share of the roofline by kernel, from the device’s timestamps; `--trace FILE` for Perfetto',
  more:
    'One decode step of `--batch` sequences with `--context` tokens each, or, with `--prefill`, one prompt. The roofline is what a\n' +
    'streaming and a multiply-add kernel reach on this adapter in the same run (docs/profiling.md).',
  flags: {
    model: modelFlag,
    batch: number(1, { min: 1 }, { flags: ['batch'], doc: 'Sequences of the step.' }),
    context: number(128, { min: 0 }, { flags: ['context'], doc: 'Tokens that each sequence has before the step.' }),
    prefill: number(null, { min: 1 }, { flags: ['prefill'], doc: 'Instead: one prompt of so many tokens.' }),
    steps: number(12, { min: 1 }, { flags: ['steps'], doc: 'Steps that are timed.' }),
    trace: text(null, 'file', { flags: ['trace'], doc: 'Write the timed steps there as trace events.' }),
    fusion: engineSettings.fusion,
    quant: engineSettings.quant,
    activations: choice<'int8' | 'f32'>('int8', ['int8', 'f32'], {
      flags: ['activations', 'activation_dtype'],
      doc: 'Activations that feed integer matrix products.',
    }),
  },
  examples: ['', '--batch 16 --context 512 --no-fusion', '--prefill 256 --trace step.json'],
});
