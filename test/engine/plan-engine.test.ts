/** A context of millions in a config: what fits is served, with a line that says so; a flag that does not fit is refused. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { defaultEngineConfig, type EngineConfig } from '../../src/config.ts';
import { defaultSamplingParams } from '../../src/engine/core/types.ts';
import { RestartingEngineClient } from '../../src/engine/client/restarting-engine-client.ts';
import { inThisThread } from '../../src/engine/client/engine-transport.ts';
import { loadEngine } from '../../src/engine/running/load-engine.ts';
import type { AdapterFacts } from '../../src/engine/running/adapter-facts.ts';
import { planEngine } from '../../src/engine/running/plan-engine.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { fixturePath } from '../helpers/model-exam.ts';
import { tempDir } from '../helpers/temp-dir.ts';

t.setTimeout(300_000);

const directory = join(tempDir(t), 'long');
cpSync(fixturePath('llama-tied'), directory, { recursive: true });
const path = join(directory, 'config.json');
const json = JSON.parse(readFileSync(path, 'utf8')) as object;
writeFileSync(path, JSON.stringify({ ...json, max_position_embeddings: 4_000_000 }));

/** As lavapipe says on a machine with enough memory. */
const lavapipe: AdapterFacts = {
  kernelSet: 'lavapipe',
  maxBinding: 2 ** 27,
  memory: { bytes: 64e9, source: 'test' },
};

const plan = (changes: Partial<EngineConfig>, facts = lavapipe, path = directory) => {
  const model = openModel(path);
  try {
    return planEngine(model, { ...defaultEngineConfig, kvCacheDtype: 'f32', ...changes }, facts);
  } finally {
    model.close();
  }
};

t.test('every table fits a binding, and a note says what that means', async (t) => {
  const { kv, notes } = plan({});
  t.equal(kv.maxLength, 2 ** 27 / (4 * 64), 'slots of 64 requests');
  t.match(notes, [/^context: 524288 tokens at most in one request; the model's own of 4000000 does not fit/]);
  t.ok(plan({ runningMaxReqSize: 8 }).kv.maxLength > kv.maxLength, 'fewer requests, longer ones');
  const small = plan({}, { ...lavapipe, memory: { bytes: 1e8, source: 'test' } });
  t.ok(small.kv.maxLength < 200_000);
  t.match(small.notes, [new RegExp(`^context: ${small.kv.maxLength} tokens`)]);
  t.same(plan({ maxReqTotalLen: 1000 }).notes, [], 'what was asked for');
});

t.test('flags that do not fit name what does', async (t) => {
  const refused = (message: RegExp) => ({ code: 'bad_flag', message });
  t.throws(() => plan({ maxReqTotalLen: 600_000 }), refused(/longer than the 524288 tokens that fit with --running/));
  t.throws(() => plan({ maxReqTotalLen: 600_000, maxTotalTokenNum: 5000 }), refused(/KV cache of 5000 tokens/));
  t.throws(
    () => plan({ maxTotalTokenNum: 1e9 }),
    refused(/1000000000 does not fit this device: .* of 1048575 tokens do/),
  );
  t.equal(plan({ maxTotalTokenNum: 1_048_575 }).maxTotalTokenNum, 1_048_575);
});

t.test('no step is larger than what the device binds, dispatches and holds', async (t) => {
  const gpu: AdapterFacts = { kernelSet: 'gpu', maxBinding: 2 ** 27, memory: { bytes: 64e9, source: 'test' } };
  const refused = (param: string, message: RegExp) => ({ code: 'bad_flag', param, message });
  const [vocabulary, widest] = [307, 192];
  const many = plan({ batchMaxTokens: 70_000 }, gpu);
  t.equal(many.batchMaxTokens, 65_535, 'a workgroup a token');
  t.match(many.notes.at(0), /^--batch_max_tokens 65535, not 70000: a step of this device/);
  const narrow = { ...gpu, maxBinding: 4 * widest * 3000 };
  t.throws(() => plan({ batchMaxTokens: 3001 }, narrow), refused('batch_max_tokens', / has 3000 tokens at most/));
  t.equal(plan({ batchMaxTokens: 3000 }, narrow).batchMaxTokens, 3000);
  t.equal(plan({}, { ...gpu, maxBinding: 4 * widest * 500 }).batchMaxTokens, 500, 'what nobody asked for is what fits');
  const rows = { ...gpu, maxBinding: 4 * vocabulary * 200 };
  t.equal(plan({ runningMaxReqSize: 100, batchMaxTokens: 100 }, rows).promptRows, 64);
  t.equal(
    plan({ runningMaxReqSize: 200, batchMaxTokens: 200 }, rows).promptRows,
    64,
    'prompts have logits of their own',
  );
  const few = { ...gpu, maxBinding: 4 * vocabulary * 50 };
  t.equal(plan({ runningMaxReqSize: 50, batchMaxTokens: 50 }, few).promptRows, 50);
  t.throws(
    () => plan({ runningMaxReqSize: 51, batchMaxTokens: 51 }, few),
    refused('running_max_req_size', /--running_max_req_size 51: .* 50 do/),
  );
});

t.test('without chunks a prompt is one step, which has to fit', async (t) => {
  const gpu: AdapterFacts = { kernelSet: 'gpu', maxBinding: 2 ** 31, memory: { bytes: 640e9, source: 'test' } };
  const whole = plan({ disableChunkedPrefill: true }, gpu);
  t.equal(whole.kv.maxLength, 65_535 - 64, 'a workgroup a token, beside those of all that decode');
  t.match(whole.notes, [/^context: 65471 of 4000000 tokens: without chunks/]);
  t.ok(whole.memory.step > 10 * plan({}, gpu).memory.step, 'its memory is counted');
  const small = plan({ disableChunkedPrefill: true }, { ...gpu, memory: { bytes: 2e8, source: 'test' } });
  t.ok(small.kv.maxLength < 65_471 && small.memory.step <= 1e8);
  t.throws(() => plan({ disableChunkedPrefill: true, maxReqTotalLen: 70_000 }, gpu), {
    code: 'bad_flag',
    param: 'max_req_total_len',
    message: /70000: without chunks .* 65471 tokens fit/,
  });
  t.equal(plan({ disableChunkedPrefill: true, maxReqTotalLen: 5000 }, gpu).kv.maxLength, 5000);
  const tight = { ...gpu, memory: { bytes: 1.7 * small.memory.step + small.memory.weights, source: 'test' } };
  const asked = { disableChunkedPrefill: true, memFraction: 1, runningMaxReqSize: 1 };
  const half = plan(asked, tight).kv.maxLength;
  t.ok(
    plan({ ...asked, maxReqTotalLen: half + 100 }, tight).kv.maxLength > half,
    'who says how long may have more than half',
  );
});

t.test('it serves', async (t) => {
  const config = { ...defaultEngineConfig, modelDir: directory, memFraction: 0.02 };
  const engine = await RestartingEngineClient.start(inThisThread(loadEngine, config));
  t.teardown(() => engine.close());
  t.match(engine.info.notes, [/^context: \d+ tokens/]);
  const params = { ...defaultSamplingParams, temperature: 0, maxTokens: 3, ignoreEos: true };
  let tokens = 0;
  for await (const { tokenIds } of engine.generate([1, 2, 3], params)) tokens += tokenIds.length;
  t.equal(tokens, 3);
});

t.test('recurrent states have their place before the slots', async (t) => {
  const lfm2 = fixturePath('lfm2');
  const row = 2 * 4 * 2 * 32;
  const { kv, states, memory } = plan({ runningMaxReqSize: 8, maxTotalTokenNum: 1000 }, lavapipe, lfm2);
  t.same(states, { snapshots: 32 });
  t.equal(kv.stateRows, 40);
  t.equal(memory.kvCache, 40 * row + 1000 * 2 * 2 * 8 * 4);
  t.same(plan({ linearAttCacheSize: 3 }, lavapipe, lfm2).states, { snapshots: 3 });
  t.same(plan({ disableDynamicPromptCache: true }, lavapipe, lfm2).states, { snapshots: 0 }, 'nobody would use them');
  t.equal(plan({}).states, null);
  const mamba2 = fixturePath('mamba2');
  const [layers, bytes, batchMaxTokens] = [2, 1152 * 4, 32];
  const narrow = { ...lavapipe, maxBinding: 20 * bytes };
  t.same(
    plan({ runningMaxReqSize: 8, maxReqTotalLen: 8, batchMaxTokens }, narrow, mamba2).states,
    { snapshots: 12 },
    'what a binding holds',
  );
  const refused = (param: string, message: RegExp) => ({ code: 'bad_flag', param, message });
  t.throws(
    () => plan({ runningMaxReqSize: 21, batchMaxTokens }, narrow, mamba2),
    refused(
      'running_max_req_size',
      new RegExp(`21 recurrent states of ${layers * bytes} bytes do not fit this device; 20 do`),
    ),
  );
  t.throws(
    () => plan({ runningMaxReqSize: 8, linearAttCacheSize: 13, batchMaxTokens }, narrow, mamba2),
    refused('linear_att_cache_size', /--running_max_req_size 8 and --linear_att_cache_size 13: 21 recurrent states/),
  );
});

t.test('latents take rank + rope values a token and layer, and heads do not matter', (t) => {
  const deepseek = fixturePath('deepseek_v2');
  const perToken = 2 * (64 + 8) * 4;
  t.equal(plan({ maxTotalTokenNum: 1000 }, lavapipe, deepseek).memory.kvCache, 1000 * perToken);
  t.equal(
    plan({ maxTotalTokenNum: 1000, kvCacheDtype: 'f16' }, lavapipe, deepseek).memory.kvCache,
    (1000 * perToken) / 2,
  );
  t.end();
});

t.test('windows take the windows of all requests and one step, however many tokens there are', (t) => {
  const sizes = { runningMaxReqSize: 4, batchMaxTokens: 32, chunkedPrefillSize: 32 };
  // Gemma 2: two heads of keys and values of 8 floats; one layer sees 9 tokens, the other everything.
  const token = 2 * 2 * 8 * 4;
  const bounded = (4 * 9 + 32) * token;
  for (const maxTotalTokenNum of [1000, 100_000]) {
    const gemma = plan({ ...sizes, maxTotalTokenNum }, lavapipe, fixturePath('gemma2'));
    t.same(gemma.window, { window: 9, slots: 4 * 9 + 32 });
    t.equal(gemma.memory.kvCache, maxTotalTokenNum * token + bounded);
  }
  // Mistral's layers have nothing but windows.
  const [few, many] = [1000, 100_000].map((n) =>
    plan({ ...sizes, maxTotalTokenNum: n }, lavapipe, fixturePath('mistral-window')),
  );
  t.equal(few.memory.kvCache, (4 * 9 + 32) * 2 * 2 * 2 * 32 * 4);
  t.equal(many.memory.kvCache, few.memory.kvCache);
  t.end();
});
