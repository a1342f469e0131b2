/**
 * Adapters through the whole engine: a batch of the model alone and of eight adapters, prefilling and decoding side by side,
 * gives for each what transformers and peft compute for it by itself (scripts/make-lora-fixtures.py).
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { defaultEngineConfig, type EngineConfig } from '../../src/config.ts';
import { inThisThread } from '../../src/engine/client/engine-transport.ts';
import { RestartingEngineClient } from '../../src/engine/client/restarting-engine-client.ts';
import { defaultSamplingParams, type EngineClient, type RequestOutput } from '../../src/engine/core/types.ts';
import { loadEngine, type EngineExtensions } from '../../src/engine/running/load-engine.ts';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { fixturePath } from '../helpers/model-exam.ts';

const adapters = fileURLToPath(new URL('../fixtures/adapters/', import.meta.url));

interface Answer {
  readonly prompt_ids: readonly number[];
  readonly prompt_logprobs: readonly number[];
  readonly output_ids: readonly number[];
  readonly top: readonly (readonly [id: number, logprob: number])[][];
}

const readOracle = (base: string) =>
  JSON.parse(readFileSync(`${adapters}${base}/oracle.json`, 'utf8')) as Record<string, Answer>;

/** NAME=PATH of each peft directory. */
function flagsOf(base: string): string[] {
  const names = readdirSync(adapters + base).filter((name) => statSync(`${adapters}${base}/${name}`).isDirectory());
  return names.map((name) => `${name}=${adapters}${base}/${name}`);
}

const small: Partial<EngineConfig> = {
  activationDtype: 'f32',
  kvCacheDtype: 'f32',
  maxTotalTokenNum: 600,
  runningMaxReqSize: 12,
  batchMaxTokens: 32,
  chunkedPrefillSize: 7,
  decodeShare: 0,
};

async function start(base: string, config: Partial<EngineConfig>, createOps?: EngineExtensions['createOps']) {
  const all = { ...defaultEngineConfig, ...small, modelDir: fixturePath(base), ...config };
  const load: typeof loadEngine = (c, report) => loadEngine(c, report, createOps ? { createOps } : {});
  const named = all.lora.map((flag) => ({ name: flag.split('=')[0], path: flag.slice(flag.indexOf('=') + 1) }));
  return RestartingEngineClient.start(inThisThread(load, all, { faultInjection: true }), { adapters: named });
}

async function answer(engine: EngineClient, prompt: readonly number[], adapter: string) {
  const params = {
    ...defaultSamplingParams,
    ...{ temperature: 0, maxTokens: 6, ignoreEos: true, logprobs: 5, promptLogprobs: 0 },
  };
  const outputs: RequestOutput[] = [];
  for await (const output of engine.generate(prompt, params, adapter === '' ? {} : { adapter })) outputs.push(output);
  return {
    ids: outputs.flatMap(({ tokenIds }) => tokenIds),
    top: outputs.flatMap(({ logprobs }) => logprobs ?? []).map(({ top }) => top),
    prompt: outputs.flatMap(({ promptLogprobs }) => promptLogprobs ?? []).flatMap((entry) => entry?.logprob ?? []),
  };
}

/** The largest difference of any log-probability; Infinity where other tokens came. */
function difference(got: Awaited<ReturnType<typeof answer>>, wanted: Answer): number {
  if (got.ids.join() !== wanted.output_ids.join() || got.prompt.length !== wanted.prompt_logprobs.length)
    return Infinity;
  const prompt = got.prompt.map((logprob, i) => Math.abs(logprob - wanted.prompt_logprobs[i]));
  const output = wanted.top.flatMap((entries, i) =>
    entries.map(([id, logprob]) => Math.abs((got.top[i].find((e) => e.id === id)?.logprob ?? Infinity) - logprob)),
  );
  return Math.max(...prompt, ...output);
}

const backends = {
  reference: () => new ReferenceOps(),
  'the adapter’s kernels': undefined,
  'the kernels for GPUs': (gpu, options) => new WebGPUOps(gpu, { ...options, kernelSet: 'gpu' }),
} satisfies Record<string, EngineExtensions['createOps']>;

for (const base of ['llama-tied', 'qwen2', 'gemma']) {
  for (const [backend, createOps] of Object.entries(backends)) {
    if (base !== 'llama-tied' && backend === 'the kernels for GPUs') continue;
    t.test(`${base}, ${backend}: nine kinds of requests in one batch`, async (t) => {
      const oracle = readOracle(base);
      const engine = await start(base, { lora: flagsOf(base) }, createOps);
      t.same(
        engine
          .adapters()
          .map(({ name }) => name)
          .sort(),
        Object.keys(oracle).filter(Boolean).sort(),
      );
      const names = Object.keys(oracle);
      const answers = await Promise.all(names.map((name) => answer(engine, oracle[name].prompt_ids, name)));
      names.forEach((name, i) => {
        const d = difference(answers[i], oracle[name]);
        t.ok(d <= 2e-3, `${name || 'the model alone'}: log-probabilities within ${d}`);
      });
      // The same prompt again and with another adapter: what is cached belongs to one of them.
      const [a, b] = await Promise.all([
        answer(engine, oracle['all-8'].prompt_ids, 'all-8'),
        answer(engine, oracle['all-8'].prompt_ids, ''),
      ]);
      t.ok(difference(a, oracle['all-8']) <= 2e-3, 'cached');
      t.not(difference(b, oracle['all-8']) <= 2e-3, 'of the model alone is something else');
      await engine.close();
    });
  }
}

t.test('fewer slots than adapters: they take turns', async (t) => {
  const oracle = readOracle('llama-tied');
  const engine = await start('llama-tied', { lora: flagsOf('llama-tied'), maxLoras: 2 });
  const names = Object.keys(oracle);
  const twice = [...names, ...names.toReversed()];
  const answers = await Promise.all(twice.map((name) => answer(engine, oracle[name].prompt_ids, name)));
  const worst = Math.max(...twice.map((name, i) => difference(answers[i], oracle[name])));
  t.ok(worst <= 2e-3, `log-probabilities within ${worst}`);
  await engine.close();
});

t.test('an adapter that is merged into the weights', async (t) => {
  const wanted = readOracle('llama-tied')['all-8'];
  const merge = { loraMerge: `${adapters}llama-tied/all-8` };
  const engine = await start('llama-tied', merge, () => new ReferenceOps());
  const d = difference(await answer(engine, wanted.prompt_ids, ''), wanted);
  t.ok(d <= 2e-3, `log-probabilities within ${d}`);
  await engine.close();
});

t.test('an adapter as GGUF, by llama.cpp’s converter', async (t) => {
  const engine = await start('llama-tied', { lora: [`gguf=${adapters}llama-tied/all-8.gguf`] });
  const wanted = readOracle('llama-tied')['all-8'];
  const d = difference(await answer(engine, wanted.prompt_ids, 'gguf'), wanted);
  t.ok(d <= 2e-3, `log-probabilities within ${d}`);
  await engine.close();
});

t.test('a new engine has the adapters, the unloaded one that a request still uses too', async (t) => {
  const oracle = readOracle('llama-tied');
  const engine = await start('llama-tied', { enableLora: true, maxLoraRank: 64 });
  for (const name of ['all-8', 'qv-64']) await engine.loadAdapter(name, `${adapters}llama-tied/${name}`);
  const running = ['all-8', 'qv-64', ''].map((name) => answer(engine, oracle[name].prompt_ids, name));
  await engine.stats();
  await engine.unloadAdapter('qv-64');
  engine.injectFault('device_lost');
  const answers = await Promise.all(running);
  ['all-8', 'qv-64', ''].forEach((name, i) => t.ok(difference(answers[i], oracle[name]) <= 2e-3, name || 'base'));
  await t.rejects(answer(engine, [1, 2], 'qv-64'), { code: 'model_not_found' });
  t.same(
    engine.adapters().map(({ name }) => name),
    ['all-8'],
  );
  t.ok(difference(await answer(engine, oracle['all-8'].prompt_ids, 'all-8'), oracle['all-8']) <= 2e-3, 'afterwards');
  await engine.close();
});

/** Ops that note down the kernels of each step, whether it was recorded or ran again from a recording. */
function noting(log: string[]): NonNullable<EngineExtensions['createOps']> {
  return (gpu, options) => {
    const ops = new WebGPUOps(gpu, options);
    const { recorder } = ops.context;
    const dispatch = recorder.dispatch.bind(recorder);
    recorder.dispatch = (kernel, ...more) => {
      log.push(kernel.name);
      dispatch(kernel, ...more);
    };
    const replay = recorder.replay.bind(recorder);
    recorder.replay = (list) => {
      log.push(...list.dispatches.map(({ kernel }) => kernel.name));
      replay(list);
    };
    return ops;
  };
}

t.test('steps without adapters are those of an engine without room: the same kernels, the same bits', async (t) => {
  const oracle = readOracle('llama-tied');
  const run = async (config: Partial<EngineConfig>) => {
    const log: string[] = [];
    const engine = await start('llama-tied', { decodeShare: 0, ...config }, noting(log));
    // Both are loaded, and one of them is on the device.
    if (config.enableLora) {
      for (const name of ['all-8', 'qv-64']) await engine.loadAdapter(name, `${adapters}llama-tied/${name}`);
      await answer(engine, oracle['all-8'].prompt_ids, 'all-8');
      t.ok(
        log.some((name) => name.startsWith('lora')),
        'with an adapter there are others',
      );
    }
    log.length = 0;
    const prompts = ['', 'qv-64', 'mlp-4'].map((name) => oracle[name].prompt_ids);
    const answers: Awaited<ReturnType<typeof answer>>[] = [];
    for (const prompt of prompts) answers.push(await answer(engine, prompt, ''));
    await engine.close();
    return { answers, log };
  };
  const [without, withRoom] = [await run({}), await run({ enableLora: true, maxLoraRank: 64 })];
  t.same(withRoom.log, without.log);
  t.same(withRoom.answers, without.answers);
});
