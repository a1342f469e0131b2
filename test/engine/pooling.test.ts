/** Requests that generate nothing, and logprobs of prompts: whatever cuts the prompt into steps, the result is the same. */
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { defaultEngineConfig, type EngineConfig } from '../../src/config.ts';
import { EngineCore } from '../../src/engine/core/engine-core.ts';
import { RestartingEngineClient } from '../../src/engine/client/restarting-engine-client.ts';
import { inThisThread } from '../../src/engine/client/engine-transport.ts';
import { loadEngine } from '../../src/engine/running/load-engine.ts';
import { topLogprobsReference as topLogprobs } from '../../src/kernels/sample/top-logprobs.reference.ts';
import { defaultSamplingParams, type Pooling, type TokenLogprobs } from '../../src/engine/core/types.ts';
import { Book, makeCore, request, type Setup } from '../helpers/engine-driver.ts';
import { loadEngine as loadFakeEngine } from '../helpers/fake-loader.ts';
import { expectedOutput, expectedState, fakeHidden, fakeLogits } from '../helpers/fake-runner.ts';

const settings: [string, Setup][] = [
  ['overlapped', {}],
  ['plain', { config: { overlap: false } }],
  ['no prefix cache', { config: { disableDynamicPromptCache: true } }],
  ['no chunks', { config: { disableChunkedPrefill: true } }],
  ['pauses', { slots: 90, maxLen: 90, config: { schedulerPolicy: 'aggressive' } }],
];
/** 12 prompts of 1 to 78 tokens that share prefixes. */
const shared = Array.from({ length: 60 }, (_, i) => 1 + ((i * 7) % 90));
const prompts = Array.from({ length: 12 }, (_, r) => [...shared.slice(0, (r * 13) % 60), 1 + r, ...shared.slice(0, r)]);
const states = prompts.map((ids) => ids.map((_, i) => expectedState(ids.slice(0, i + 1))));
const params = { maxTokens: 5, ignoreEos: true };

for (const [name, setup] of settings)
  t.test(`pooled, scored and plain requests side by side: ${name}`, async (t) => {
    const { core, runner } = makeCore(setup);
    // Twice, so that the second round finds the prefix cache filled.
    for (const round of [1, 2]) {
      prompts.forEach((ids, i) => {
        core.add(request(`mean ${i}`, ids, {}, { pooling: 'mean' }));
        core.add(request(`text ${i}`, ids, { ...params, ...(i % 3 === 0 ? { promptLogprobs: 2 } : {}) }));
        core.add(request(`last ${i}`, ids, {}, { pooling: 'last' }));
      });
      const book = await new Book().finishAll(core);
      prompts.forEach((ids, i) => {
        const { length } = ids;
        const hidden = states[i].map(fakeHidden);
        const mean = book.outputs.get(`mean ${i}`)!;
        t.same([...mean.pooled!], [Math.fround(hidden.reduce((a, b) => a + Math.fround(b), 0) / length)]);
        t.match(mean, { finishReason: 'stop', tokenIds: [], usage: { promptTokens: length, completionTokens: 0 } });
        t.equal(mean.usage.cachedTokens, 0, 'the mean needs every token computed');
        t.same([...book.outputs.get(`last ${i}`)!.pooled!], [Math.fround(hidden[length - 1])]);
        const text = book.outputs.get(`text ${i}`)!;
        t.same(text.tokenIds, expectedOutput(ids, 5, true));
        t.same(text.promptLogprobs, i % 3 === 0 ? expectedLogprobs(ids, states[i]) : null);
      });
      if (round === 2 && !setup.config?.disableDynamicPromptCache && name !== 'pauses')
        t.ok(book.outputs.get('last 5')!.usage.cachedTokens > 0, 'the last token’s state may use the cache');
    }
    t.equal(core.stats().running, 0);
    t.equal(runner.closed, false);
  });

function expectedLogprobs(ids: readonly number[], at: readonly number[]): (TokenLogprobs | null)[] {
  return ids.map((id, i) => (i === 0 ? null : topLogprobs(Float32Array.from(fakeLogits(at[i - 1])), id, 2)));
}

t.test('a step reads no logits for scores behind the prompt, though the scores are still on their way', async (t) => {
  const { core, runner } = makeCore({ delay: () => setImmediate() });
  const ids = Array.from({ length: 20 }, (_, i) => i + 1);
  core.add(request('a', ids, { ...params, promptLogprobs: 2 }));
  const book = await new Book().finishAll(core);
  t.equal(book.outputs.get('a')!.promptLogprobs!.length, ids.length);
  t.equal(runner.promptRows, ids.length);
});

t.test('what cannot be', async (t) => {
  const { core } = makeCore();
  t.throws(() => core.add(request('a', [1, 2], {}, { pooling: 'score' })), /no score head/);
  t.throws(() => core.add(request('b', new Array<number>(201).fill(1), {}, { pooling: 'mean' })), {
    code: 'context_length_exceeded',
  });
  core.add(request('c', new Array<number>(200).fill(1), {}, { pooling: 'mean' }));
  t.ok((await new Book().finishAll(core)).outputs.get('c')!.pooled, 'a prompt may fill the whole context');
  core.add(request('d', [1, 2, 3], {}, { pooling: 'mean' }));
  core.abort('d');
  t.match((await new Book().finishAll(core)).outputs.get('d'), { finishReason: 'abort', pooled: null });
});

t.test('through the client: aborts, and an engine that dies in between', async (t) => {
  const config: EngineConfig = { ...defaultEngineConfig, chunkedPrefillSize: 4, maxTotalTokenNum: 1000 };
  const engine = await RestartingEngineClient.start(inThisThread(loadFakeEngine, config, { faultInjection: true }));
  const prompt = shared.slice(0, 40);
  const expected = Math.fround(fakeHidden(expectedState(prompt)));
  t.same([...(await engine.pool(prompt, 'last')).pooled], [expected]);
  const abort = new AbortController();
  const aborted = engine.pool(shared, 'mean', { signal: abort.signal });
  setTimeout(() => abort.abort(), 5);
  await t.rejects(aborted, { code: 'aborted' });
  const survivor = engine.pool(prompt, 'mean');
  engine.injectFault('throw');
  const mean = prompt.reduce((sum, _, i) => sum + fakeHidden(expectedState(prompt.slice(0, i + 1))), 0) / 40;
  t.ok(Math.abs((await survivor).pooled[0] - mean) < 1e-6);
  await t.rejects(engine.pool([1], 'score'), { code: 'invalid_request' });
  t.ok((await engine.stats()).cachedSlots > 0);
  t.match(await engine.flushCache(), { cachedSlots: 0, freeSlots: 1000 });
  t.same([...(await engine.pool(prompt, 'last')).pooled], [expected], 'and everything works on an empty cache');
  await engine.close();
});

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/models/${name}`, import.meta.url));
const small = { maxTotalTokenNum: 500, runningMaxReqSize: 8, batchMaxTokens: 48, chunkedPrefillSize: 16 };

async function realCore(name: string): Promise<EngineCore> {
  const config: EngineConfig = { ...defaultEngineConfig, ...small, modelDir: fixture(name) };
  const { info, runner } = await loadEngine(config, () => undefined);
  t.teardown(() => runner.close());
  return new EngineCore({ config, info, runner, checkInvariants: true });
}

t.test('a real model on the device: embeddings and prompt logprobs of transformers', async (t) => {
  const core = await realCore('llama-tied');
  const read = (file: string) =>
    new Float32Array(new Uint8Array(readFileSync(`${fixture('llama-tied')}/${file}.f32`)).buffer);
  const { prompt_ids } = JSON.parse(readFileSync(`${fixture('llama-tied')}/oracle.json`, 'utf8')) as {
    prompt_ids: number[];
  };
  const [hidden, logits] = [read('hidden'), read('logits')];
  const n = prompt_ids.length;
  const [h, v] = [hidden.length / n, logits.length / n];
  for (const _ of [1, 2]) {
    for (const pooling of ['mean', 'last'] as Pooling[]) core.add(request(pooling, prompt_ids, {}, { pooling }));
    core.add(request('scored', prompt_ids, { maxTokens: 3, promptLogprobs: 3 }));
    core.add(request('plain', prompt_ids, { maxTokens: 3 }));
    const book = await new Book().finishAll(core);
    const mean = Array.from({ length: h }, (_, j) => hidden.reduce((s, x, i) => s + (i % h === j ? x : 0), 0) / n);
    close(t, book.outputs.get('mean')!.pooled!, mean, 2e-5);
    close(t, book.outputs.get('last')!.pooled!, hidden.subarray((n - 1) * h), 2e-5);
    const scores = book.outputs.get('scored')!.promptLogprobs!;
    t.equal(scores[0], null);
    const expected = scores.slice(1).map((_, i) => topLogprobs(logits.slice(i * v, (i + 1) * v), prompt_ids[i + 1], 3));
    close(
      t,
      scores.slice(1).map((s) => s!.logprob),
      expected.map((s) => s.logprob),
      1e-4,
    );
    t.same(
      scores.slice(1).map((s) => s!.top[0].id),
      expected.map((s) => s.top[0].id),
    );
    t.same(book.tokens('scored'), book.tokens('plain'), 'scoring changes nothing of the answer');
  }
});

t.test('a real reward model on the device', async (t) => {
  const core = await realCore('qwen2-score');
  t.equal(core.info.isRewardModel, true);
  const { prompts, scores } = JSON.parse(readFileSync(`${fixture('qwen2-score')}/scores.json`, 'utf8')) as {
    prompts: number[][];
    scores: number[];
  };
  prompts.forEach((ids, i) => core.add(request(`${i}`, ids, {}, { pooling: 'score' })));
  const book = await new Book().finishAll(core);
  close(
    t,
    prompts.map((_, i) => book.outputs.get(`${i}`)!.pooled![0]),
    scores,
    1e-4,
  );
  t.throws(() => core.add(request('text', [1], defaultSamplingParams)), /reward model/);
  core.add(request('embedding', prompts[0], {}, { pooling: 'mean' }));
  t.equal((await new Book().finishAll(core)).outputs.get('embedding')!.pooled!.length, 32);
});

function close(t: Test, actual: ArrayLike<number>, expected: ArrayLike<number>, bound: number): void {
  const largest = Math.max(...Array.from(expected, Math.abs));
  const error = Math.max(...Array.from(expected, (x, i) => Math.abs(actual[i] - x))) / largest;
  t.ok(actual.length === expected.length && error <= bound, `relative error ${error} ≤ ${bound}`);
}
