/**
 * With --deterministic the kernels for GPUs give a request the same bits in all company, too: on lavapipe with vectors of 128
 * bits, which takes them.
 */
import t from 'tap';
import { fixturePath } from '../helpers/model-exam.ts';
import { examine, few, type Exam } from '../helpers/same-bits.ts';

process.env.LP_NATIVE_VECTOR_WIDTH ??= '128';

const exam = (name: string, requests: number, rest: Partial<Exam> = {}): Exam => ({
  modelDir: fixturePath(name),
  requests,
  ...rest,
  config: { deterministic: true, ...rest.config },
});

// Contexts of two segments (attention/segments.wgsl); test/kernels/same-attention.test.ts has longer ones.
t.test('Llama', (t) => examine(t, exam('llama-gguf-mixed', 8, { longer: 120 })));

t.test('int8 activations and an int8 cache', (t) =>
  examine(
    t,
    exam('llama-gguf-mixed', 8, { config: { activationDtype: 'int8', kvCacheDtype: 'int8' }, schedules: few }),
  ),
);

for (const [name, says] of [
  ['gemma2', 'windows and caps'],
  ['deepseek_v2', 'latents and experts'],
] as const) {
  t.test(says, (t) => examine(t, exam(name, 8, { schedules: few })));
}
