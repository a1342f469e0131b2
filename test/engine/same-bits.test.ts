/**
 * A request's log-probabilities are the same bits alone, in company, in chunks, behind a cached prefix, paused and
 * overlapped. Kernels promise it (docs/kernels.md): the sums of a row do not depend on who else is in the step.
 */
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { defaultEngineConfig, type EngineConfig } from '../../src/config.ts';
import { EngineCore } from '../../src/engine/core/engine-core.ts';
import { loadEngine } from '../../src/engine/running/load-engine.ts';
import { defaultModel } from '../helpers/default-model.ts';
import { Book, request } from '../helpers/engine-driver.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/models/${name}`, import.meta.url));

/** Name, changes of the config, slots of the KV cache. */
type Schedule = readonly [string, Partial<EngineConfig>, number?];

const plain: Schedule = ['together', {}];
const schedules: readonly Schedule[] = [
  plain,
  ['two at a time', { runningMaxReqSize: 2 }],
  ['seven at a time, not overlapped', { runningMaxReqSize: 7, overlap: false }],
  ['16 tokens a step', { batchMaxTokens: 16, chunkedPrefillSize: 16 }],
  ['chunks of 5', { batchMaxTokens: 64, chunkedPrefillSize: 5 }],
  ['1024 tokens a step', { batchMaxTokens: 1024, chunkedPrefillSize: 1024 }],
  ['whole prompts', { disableChunkedPrefill: true }],
  ['no prefix cache', { disableDynamicPromptCache: true }],
  ['few slots', { schedulerPolicy: 'fcfs', maxReqTotalLen: 110 }, 400],
];

/** Prompts of 1 to 85 tokens; every third begins as others do. */
function promptsOf(count: number): readonly number[][] {
  const shared = Array.from({ length: 50 }, (_, i) => 3 + ((i * 7) % 90));
  return Array.from({ length: count }, (_, r) => {
    const own = Array.from({ length: 1 + ((r * 13) % 40) }, (_, i) => 3 + ((r * 31 + i * i) % 90));
    return r % 3 === 0 ? [...shared.slice(0, (r * 11) % 50), ...own] : own;
  });
}

interface Exam {
  readonly modelDir: string;
  readonly requests: number;
  readonly config?: Partial<EngineConfig>;
  readonly schedules?: readonly Schedule[];
}

async function examine(t: Test, exam: Exam): Promise<void> {
  const config: EngineConfig = {
    ...defaultEngineConfig,
    ...{ modelDir: exam.modelDir, maxTotalTokenNum: 4000, maxReqTotalLen: 128 },
    ...{ runningMaxReqSize: 16, batchMaxTokens: 256, chunkedPrefillSize: 64 },
    ...exam.config,
  };
  const { info, runner } = await loadEngine(config, () => undefined);
  const prompts = promptsOf(exam.requests);
  const coreOf = (changed: Partial<EngineConfig>, slots = 4000) => {
    const small = { ...info, maxTotalTokenNum: slots };
    return new EngineCore({ config: { ...config, ...changed }, info: small, runner, checkInvariants: true });
  };
  const add = (core: EngineCore, i: number, turn = '') =>
    core.add(request(`${i}${turn}`, prompts[i], { maxTokens: 6, ignoreEos: true, logprobs: 1 }));
  const bits = (book: Book, id: string) => book.outputs.get(id)?.logprobs;

  const alone: ReturnType<typeof bits>[] = [];
  for (const i of prompts.keys()) {
    const core = coreOf({ disableDynamicPromptCache: true, overlap: false });
    add(core, i);
    alone.push(bits(await new Book().finishAll(core), `${i}`));
  }
  t.equal(alone.flat().length, 6 * exam.requests);

  for (const [name, changed, slots] of exam.schedules ?? schedules) {
    const core = coreOf(changed, slots);
    for (const turn of ['', ' again']) {
      for (const i of prompts.keys()) add(core, i, turn);
      const book = await new Book().finishAll(core);
      const different = [...prompts.keys()].filter(
        (i) => JSON.stringify(bits(book, `${i}${turn}`)) !== JSON.stringify(alone[i]),
      );
      t.same(different, [], `${name}${turn}: requests whose bits differ`);
    }
  }
  runner.close();
}

t.test('int8 activations', (t) => examine(t, { modelDir: fixture('llama-gguf-mixed'), requests: 24 }));

const few = schedules.filter(([name]) => ['together', 'chunks of 5', 'few slots'].includes(name));
for (const [name, says] of [
  ['gemma2', 'windows and caps'],
  ['bloom', 'ALiBi'],
  ['qwen3', 'norms of heads'],
] as const) {
  t.test(says, (t) => examine(t, { modelDir: fixture(name), requests: 16, schedules: few }));
}

for (const kvCacheDtype of ['int8', 'int4'] as const) {
  const exam = { modelDir: fixture('llama-gguf-mixed'), requests: 16, config: { kvCacheDtype }, schedules: few };
  t.test(`a cache of ${kvCacheDtype}`, (t) => examine(t, exam));
}

const { path, unavailable } = defaultModel();
t.test('the default model, whose decode steps are fused layers', { skip: unavailable }, (t) =>
  examine(t, { modelDir: path, requests: 6, schedules: [plain] }),
);
