/**
 * A request's log-probabilities are the same bits alone, in company, in chunks, behind a cached prefix, paused and
 * overlapped. Kernels promise it (docs/kernels.md): the sums of a row do not depend on who else is in the step.
 */
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { defaultModel } from '../helpers/default-model.ts';
import { fixturePath } from '../helpers/model-exam.ts';
import { examine, few, plain } from '../helpers/same-bits.ts';

t.test('int8 activations', (t) => examine(t, { modelDir: fixturePath('llama-gguf-mixed'), requests: 24 }));

for (const [name, says] of [
  ['gemma2', 'windows and caps'],
  ['bloom', 'ALiBi'],
  ['qwen3', 'norms of heads'],
] as const) {
  t.test(says, (t) => examine(t, { modelDir: fixturePath(name), requests: 16, schedules: few }));
}

for (const kvCacheDtype of ['int8', 'int4'] as const) {
  const exam = { modelDir: fixturePath('llama-gguf-mixed'), requests: 16, config: { kvCacheDtype }, schedules: few };
  t.test(`a cache of ${kvCacheDtype}`, (t) => examine(t, exam));
}

const adaptersOfTied = ['all-8', 'qv-64', 'patterns', 'all-24'].map((name) =>
  fileURLToPath(new URL(`../fixtures/adapters/llama-tied/${name}`, import.meta.url)),
);
t.test('adapters', (t) => {
  const config = { quant: 'int8', activationDtype: 'int8' } as const;
  return examine(t, {
    modelDir: fixturePath('llama-tied'),
    requests: 16,
    config,
    schedules: few,
    adapters: adaptersOfTied,
  });
});

const { path, unavailable } = defaultModel();
t.test('the default model, whose decode steps are fused layers', { skip: unavailable }, (t) =>
  examine(t, { modelDir: path, requests: 6, schedules: [plain] }),
);

const tools = fileURLToPath(new URL('../../adapters/smollm2-135m-instruct-tools', import.meta.url));
t.test('the same with and without an adapter', { skip: unavailable }, (t) =>
  examine(t, { modelDir: path, requests: 5, schedules: [plain], adapters: [tools] }),
);
