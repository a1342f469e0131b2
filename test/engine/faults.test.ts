/** What the device does wrong: requests end as if nothing had happened, or with an error that says what did. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import t, { type Test } from 'tap';
import { defaultEngineConfig } from '../../src/config.ts';
import { RestartingEngineClient } from '../../src/engine/client/restarting-engine-client.ts';
import { inThisThread, type EngineLoader } from '../../src/engine/client/engine-transport.ts';
import type { RequestReport } from '../../src/engine/client/messages.ts';
import { defaultSamplingParams, type SamplingParams } from '../../src/engine/core/types.ts';
import { loadEngine } from '../../src/engine/running/load-engine.ts';
import { completionConstraint } from '../../src/text/structured-output/output-constraint.ts';
import { Book, makeCore, request } from '../helpers/engine-driver.ts';
import { expectedOutput } from '../helpers/fake-runner.ts';
import { loadEngine as loadFakeEngine } from '../helpers/fake-loader.ts';
import { startFakeServer } from '../helpers/fake-server.ts';
import { fixturePath } from '../helpers/model-exam.ts';
import { vocabularyOf } from '../helpers/walk-grammar.ts';

t.setTimeout(300_000);

const nothing = new Uint8Array();
const params: SamplingParams = { ...defaultSamplingParams, temperature: 0, maxTokens: 40, ignoreEos: true };

/** The whole answer; `onFirst` is called with its first token. */
async function answer(engine: RestartingEngineClient, prompt: readonly number[], changed = {}, onFirst = () => {}) {
  const tokens: number[] = [];
  for await (const output of engine.generate(prompt, { ...params, ...changed })) {
    if (tokens.length === 0) onFirst();
    tokens.push(...output.tokenIds);
  }
  return tokens;
}

/** Every slot is free or spare. */
async function untilAllFree(engine: RestartingEngineClient): Promise<void> {
  for (;;) {
    const { running, totalSlots, freeSlots, cachedSlots } = await engine.stats();
    if (running === 0 && freeSlots + cachedSlots === totalSlots) return;
  }
}

const prompts = [
  [5, 6, 7],
  [8, 9],
  [5, 6, 11, 12],
];

const llama = { ...defaultEngineConfig, modelDir: fixturePath('llama-tied'), kvCacheDtype: 'f32' as const };
const engines: Record<string, [EngineLoader, typeof defaultEngineConfig]> = {
  'a runner without a device': [loadFakeEngine, defaultEngineConfig],
  'a model on a device': [loadEngine, { ...llama, maxTotalTokenNum: 512, runningMaxReqSize: 4 }],
};

for (const [name, [load, config]] of Object.entries(engines)) {
  t.test(name, async (t) => {
    const engine = await RestartingEngineClient.start(inThisThread(load, config, { faultInjection: true }));
    t.teardown(() => engine.close());
    const wanted = await Promise.all(prompts.map((prompt) => answer(engine, prompt)));

    for (const fault of ['device_lost', 'out_of_memory'] as const) {
      t.test(`${fault}: another engine goes on with the same tokens`, async (t) => {
        const answers = prompts.map((prompt, i) =>
          answer(engine, prompt, {}, i === 0 ? () => engine.injectFault(fault) : undefined),
        );
        while (engine.health() === 'ok') await new Promise(setImmediate);
        t.equal(engine.health(), 'loading');
        t.same(await Promise.all(answers), wanted);
        await untilAllFree(engine);
      });
    }

    t.test('NaN logits: an error that says so, and the engine goes on', async (t) => {
      const reports: RequestReport[] = [];
      const note = (report: unknown) => void reports.push(report as RequestReport);
      subscribe('dawnlight:request', note);
      t.teardown(() => unsubscribe('dawnlight:request', note));
      for (const changed of [{}, { temperature: 1, topP: 0.9, seed: 1 }, { logprobs: 2 }, { repetitionPenalty: 1.2 }]) {
        reports.length = 0;
        const spoiled = answer(engine, prompts[0], changed, () => engine.injectFault('nan_logits'));
        await t.rejects(spoiled, { code: 'numerical_error', message: /logits that are NaN/ }, JSON.stringify(changed));
        t.match(reports, [{ finishReason: 'error', error: /logits that are NaN/ }]);
        t.equal(engine.health(), 'ok');
        await untilAllFree(engine);
      }
      t.same(await Promise.all(prompts.map((prompt) => answer(engine, prompt))), wanted);
    });
  });
}

/** A copy of a checkpoint with NaN as one value of a tensor. */
function spoiled(t: Test, fixture: string, name: string, index = 0): string {
  const directory = join(t.testdir(), 'spoiled');
  cpSync(fixturePath(fixture), directory, { recursive: true });
  const path = join(directory, 'model.safetensors');
  const bytes = readFileSync(path);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { dtype: string; data_offsets: number[] }
  >;
  const { dtype, data_offsets } = header[name];
  const at = 8 + headerLength + data_offsets[0];
  if (dtype === 'F32') bytes.writeFloatLE(NaN, at + 4 * index);
  else bytes.writeUInt16LE(0x7fff, at + 2 * index); // NaN in F16 and in BF16
  writeFileSync(path, bytes);
  return directory;
}

async function startSpoiled(
  t: Test,
  modelDir: string,
  options: Parameters<typeof inThisThread>[2] = {},
): Promise<RestartingEngineClient> {
  const config = { ...llama, modelDir, maxTotalTokenNum: 64 };
  const engine = await RestartingEngineClient.start(inThisThread(loadEngine, config, options));
  t.teardown(() => engine.close());
  return engine;
}

const failed = { code: 'numerical_error' };

t.test('a checkpoint with a NaN: a note where it is loaded, and an error for every request', async (t) => {
  const name = 'model.layers.1.mlp.down_proj.weight';
  const engine = await startSpoiled(t, spoiled(t, 'llama-tied', name));
  t.match(engine.info.notes, [new RegExp(`^NaN or infinity in ${name}: `)]);
  for (const changed of [{}, { temperature: 1 }, { temperature: 1, topK: 3 }, { logprobs: 1 }, { promptLogprobs: 1 }])
    await t.rejects(answer(engine, prompts[0], changed), failed, JSON.stringify(changed));
  for (const pooling of ['mean', 'last'] as const) await t.rejects(engine.pool(prompts[0], pooling), failed, pooling);
  await untilAllFree(engine);
  const { post, server } = await startFakeServer({}, { engine });
  t.teardown(() => server.close());
  for (const body of [{ input: prompts[0] }, { input: prompts }]) {
    const answered = await post('/v1/embeddings', body);
    t.equal(answered.status, 500);
    t.match(await answered.json(), { error: { code: 'numerical_error', message: /hidden states that are NaN/ } });
  }
});

t.test('a reward model with a NaN: an error of the endpoints for scores', async (t) => {
  const engine = await startSpoiled(t, spoiled(t, 'llama-score', 'model.norm.weight'));
  const { post, server } = await startFakeServer({}, { engine });
  t.teardown(() => server.close());
  for (const [path, body] of [
    ['/v1/score', { text_1: 'a', text_2: ['b', 'c'] }],
    ['/get_score', { chat: [{ role: 'user', content: 'a' }] }],
    ['/v1/embeddings', { input: prompts[0] }],
  ] as const) {
    const answered = await post(path, body);
    t.equal(answered.status, 500, path);
    t.match(await answered.json(), { error: { code: 'numerical_error' } });
  }
});

t.test('a NaN for one token alone is an error also where a mask or a grammar forbids that token', async (t) => {
  const [hidden, token] = [256, 300];
  // Token i is byte i; those beyond, the spoiled one among them, fit no grammar.
  const vocabulary = vocabularyOf(Array.from({ length: 307 }, (_, id) => (id < 128 ? Uint8Array.of(id) : nothing)));
  const directory = spoiled(t, 'llama-tied', 'model.embed_tokens.weight', token * hidden);
  const engine = await startSpoiled(t, directory, { vocabulary });
  const constraint = completionConstraint({ response_format: { type: 'json_object' } });
  for (const changed of [{}, { allowedTokenIds: [5, 6] }, { constraint }, { constraint, logprobs: 1 }]) {
    for (const temperature of [0, 1])
      await t.rejects(answer(engine, prompts[0], { ...changed, temperature }), failed, JSON.stringify(changed));
  }
  await untilAllFree(engine);
});

t.test('whatever wants to know of a spoiled prompt ends with an error; every slot comes back', async (t) => {
  const { core, runner } = makeCore();
  const book = new Book();
  core.add(request('text', [1, 2, 3]));
  core.add(request('prompt logprobs', [4, 5, 6], { promptLogprobs: 1 }));
  core.add(request('embedding', [7, 8, 9], {}, { pooling: 'mean' }));
  runner.injectFault('nan_logits');
  await book.finishAll(core);
  for (const id of ['text', 'prompt logprobs', 'embedding']) {
    t.match(book.outputs.get(id), { finishReason: 'error', tokenIds: [], pooled: null, promptLogprobs: null }, id);
    t.equal(book.errors.get(id), 'numerical_error', id);
  }
  t.match(core.stats(), { freeSlots: 400, cachedSlots: 0 }, 'nothing spoiled stays in the prefix cache');
  core.add(request('after', [1, 2, 3]));
  await book.finishAll(core);
  t.same(book.tokens('after'), expectedOutput([1, 2, 3], 20));
});

t.test('only what shared the spoiled step is lost', async (t) => {
  const { core, runner } = makeCore();
  const book = new Book();
  core.add(request('first', [1, 2, 3]));
  for (let i = 0; i < 4; i++) await book.step(core);
  runner.injectFault('nan_logits');
  await book.step(core);
  core.add(request('second', [1, 2, 4]));
  await book.finishAll(core);
  t.equal(book.errors.get('first'), 'numerical_error');
  t.same(book.tokens('first'), expectedOutput([1, 2, 3], 20).slice(0, book.tokens('first')?.length));
  t.same(book.tokens('second'), expectedOutput([1, 2, 4], 20));
});
