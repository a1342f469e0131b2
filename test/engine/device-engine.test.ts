/** The engine over a real model on the device: what the fake runner cannot show, slot tables and token feedback in WGSL. */
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { defaultEngineConfig, type EngineConfig } from '../../src/config.ts';
import { EngineCore } from '../../src/engine/core/engine-core.ts';
import { loadEngine } from '../../src/engine/running/load-engine.ts';
import type { EngineRequestInit } from '../../src/engine/core/engine-request.ts';
import type { SamplingParams } from '../../src/engine/core/types.ts';
import { Book, request } from '../helpers/engine-driver.ts';
import { SlowConstraint } from '../helpers/slow-constraint.ts';

const modelDir = fileURLToPath(new URL('../fixtures/models/llama-tied', import.meta.url));
const config: EngineConfig = {
  ...defaultEngineConfig,
  modelDir,
  maxTotalTokenNum: 2000,
  runningMaxReqSize: 8,
  batchMaxTokens: 48,
  chunkedPrefillSize: 24,
};
const { info, runner } = await loadEngine(config, () => undefined);
t.teardown(() => runner.close());

function newCore(changed: Partial<EngineConfig> = {}, slots = 2000): EngineCore {
  const small = { ...info, maxTotalTokenNum: slots };
  return new EngineCore({ config: { ...config, ...changed }, info: small, runner, checkInvariants: true });
}

/** 32 prompts of 1 to 80 tokens, a third of which share prefixes. */
const shared = Array.from({ length: 50 }, (_, i) => 3 + ((i * 7) % 300));
const prompts = Array.from({ length: 32 }, (_, r) => {
  const own = Array.from({ length: 1 + ((r * 13) % 40) }, (_, i) => 3 + ((r * 31 + i * i) % 300));
  return r % 3 === 0 ? [...shared.slice(0, (r * 11) % 50), ...own] : own;
});

/** What the requests ask for, in turn. */
const settings: Partial<SamplingParams>[] = [
  { temperature: 0 },
  { temperature: 1, topP: 0.9 },
  { temperature: 0.8, topK: 20, logprobs: 2 },
  { temperature: 0, repetitionPenalty: 1.2, frequencyPenalty: 0.3 },
  { temperature: 1.2, presencePenalty: 0.8, logitBias: new Map([[50, 4]]), minP: 0.01 },
  { temperature: 0, logprobs: 0 },
  { temperature: 1, allowedTokenIds: Array.from({ length: 90 }, (_, i) => 3 * i + 1) },
];

function mixed(id: string, i: number): EngineRequestInit {
  return request(
    id,
    prompts[i],
    { maxTokens: 16, ignoreEos: true, ...settings[i % settings.length] },
    { seed: 100 + i },
  );
}

t.test('each of 32 mixed requests gives the tokens that it gives alone', async (t) => {
  t.equal(info.vocabSize, 307);
  const alone = newCore({ disableDynamicPromptCache: true, overlap: false });
  const expected: (readonly number[] | undefined)[] = [];
  for (const i of prompts.keys()) {
    alone.add(mixed('alone', i));
    expected.push((await new Book().finishAll(alone)).tokens('alone'));
  }
  t.ok(new Set(expected.map((ids) => ids?.join())).size > 20, 'answers differ between prompts');

  const loops: [string, Partial<EngineConfig>, number?][] = [
    ['overlapped', {}],
    ['plain', { overlap: false }],
    ['no prefix cache', { disableDynamicPromptCache: true }],
    ['no chunks', { disableChunkedPrefill: true }],
    ['pauses', { schedulerPolicy: 'fcfs', maxReqTotalLen: 110 }, 260],
  ];
  for (const [name, changed, slots] of loops) {
    const core = newCore(changed, slots);
    for (const i of prompts.keys()) core.add(mixed(`${i}`, i));
    let paused = 0;
    const book = await new Book().finishAll(core, () => (paused += core.scheduler.paused.length));
    t.same(
      prompts.map((_, i) => book.tokens(`${i}`)),
      expected,
      name,
    );
    if (name === 'pauses') t.ok(paused > 0, 'requests were paused');
  }
});

t.test('sampling depends on the seed, not on the company', async (t) => {
  const params = { temperature: 1, topP: 0.95, maxTokens: 12, ignoreEos: true, logprobs: 1 };
  const core = newCore();
  core.add(request('a', prompts[5], params, { seed: 4 }));
  prompts.slice(0, 6).forEach((prompt, i) => core.add(request(`${i}`, prompt, { maxTokens: 16 })));
  const company = await new Book().finishAll(core);
  core.add(request('b', prompts[5], params, { seed: 4 }));
  core.add(request('c', prompts[5], params, { seed: 5 }));
  const book = await new Book().finishAll(core);
  t.same(book.tokens('b'), company.tokens('a'));
  t.notSame(book.tokens('c'), company.tokens('a'));
  const logprobs = book.outputs.get('b')!.logprobs!;
  t.equal(logprobs.at(-1)!.top.length, 1);
  t.ok(logprobs.every(({ logprob, top }) => logprob <= top[0].logprob && top[0].logprob < 0));
});

t.test('constrained requests beside free ones', async (t) => {
  const free = newCore({ overlap: false });
  free.add(mixed('1', 1));
  const expected = (await new Book().finishAll(free)).tokens('1');
  for (const overlap of [false, true]) {
    const core = newCore({ overlap });
    core.add(mixed('1', 1));
    for (const [i, temperature] of [0, 1].entries()) {
      const init = request(`c${i}`, prompts[7 + i], { temperature, maxTokens: 12, ignoreEos: true });
      core.add(init, new SlowConstraint(info.vocabSize));
    }
    const book = await new Book().finishAll(core);
    for (const id of ['c0', 'c1']) {
      t.equal(book.tokens(id)?.length, 12);
      t.ok(book.tokens(id)?.every((token, i) => token % 3 === i % 3));
    }
    t.same(book.tokens('1'), expected);
  }
});
