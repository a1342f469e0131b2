import { engineSettings } from '../../src/config.ts';
import { choice, number, toggle } from '../../src/settings.ts';
import { counts, declare, modelFlag } from '../helpers/declare.ts';

export const spec = declare({
  name: 'host',
  measures:
    'the host’s share of a decode step: recorded from the model’s code each time, and run again from a recording',
  more: 'Milliseconds from beginning a step to its being handed over, before anybody waits. `LP_NATIVE_VECTOR_WIDTH=128` has lavapipe run the kernels for GPUs.',
  flags: {
    model: modelFlag,
    batches: counts([1, 16], { flags: ['batches'], doc: 'Sequences of the step.' }),
    context: number(
      32,
      { min: 0 },
      { flags: ['context'], doc: 'Tokens that each sequence has before the first step.' },
    ),
    rounds: number(15, { min: 1 }, { flags: ['rounds'], doc: 'Steps of each kind, in turns.' }),
    null: toggle(false, {
      flags: ['null'],
      doc: 'On Dawn’s backend that computes nothing, with the kernels for GPUs: the host alone, also where the adapter is the processor.',
    }),
    quant: engineSettings.quant,
    activations: choice<'int8' | 'f32'>('f32', ['int8', 'f32'], {
      flags: ['activations', 'activation_dtype'],
      doc: 'Activations that feed integer matrix products.',
    }),
  },
  examples: ['', '--batches 1 --rounds 50', '--null --context 256 --rounds 100'],
});
