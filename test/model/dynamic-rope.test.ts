/** Dynamic NTK scaling beyond max_position_embeddings (24 in the fixture), against transformers in float32. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { defaultEngineConfig } from '../../src/config.ts';
import { RestartingEngineClient } from '../../src/engine/client/restarting-engine-client.ts';
import { inThisThread } from '../../src/engine/client/engine-transport.ts';
import { defaultSamplingParams, type SamplingParams } from '../../src/engine/core/types.ts';
import { loadEngine } from '../../src/engine/running/load-engine.ts';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { loadModel } from '../../src/model/weights/load-weights.ts';
import { batchOf, fixturePath, newCache, readOracle } from '../helpers/model-exam.ts';

t.setTimeout(300_000);

const name = 'llama-dynamic';
const answers = JSON.parse(readFileSync(`${fixturePath(name)}/answers.json`, 'utf8')) as {
  prompt: number[];
  output: number[];
}[];

t.test('a prompt that is computed in pieces has the logits of the whole', async (t) => {
  const { prompt, logits: wanted } = readOracle(name);
  const opened = openModel(fixturePath(name));
  const ops = new ReferenceOps();
  const model = await loadModel(ops, opened, { quant: 'stored', maxLength: 64 });
  const kv = newCache(ops, model, 'f32');
  const logits: number[] = [];
  for (let start = 0; start < prompt.length; start += 7) {
    const batch = batchOf([{ row: 1, start, ids: prompt.slice(start, start + 7) }]);
    const lengths = new Uint32Array(batch.positions.length).fill(prompt.length);
    const rotaryRows = model.dynamicRotary!.rows(batch.positions, lengths);
    const step = ops.beginStep({ ...batch, rotaryRows }, kv);
    logits.push(...((await ops.read(model.forward(ops, step, kv).logits!)) as Float32Array));
    ops.endStep();
  }
  opened.close();
  const largest = wanted.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const difference = logits.reduce((most, x, i) => Math.max(most, Math.abs(x - wanted[i])), 0);
  t.ok(difference < 1e-4 * largest, `${difference} of ${largest}`);
});

t.test('answers go on as those of transformers, alone, together and again', async (t) => {
  const config = {
    ...defaultEngineConfig,
    modelDir: fixturePath(name),
    kvCacheDtype: 'f32' as const,
    chunkedPrefillSize: 16,
    maxTotalTokenNum: 600,
    runningMaxReqSize: 4,
  };
  const engine = await RestartingEngineClient.start(inThisThread(loadEngine, config));
  t.teardown(() => engine.close());
  t.match(engine.info, { maxModelLen: 96, sharedPromptLimit: 24 }, 'factor 4');
  const params: SamplingParams = { ...defaultSamplingParams, temperature: 0, maxTokens: 40, ignoreEos: true };
  const answer = async (prompt: readonly number[], maxTokens = 40) => {
    const tokens: number[] = [];
    for await (const output of engine.generate(prompt, { ...params, maxTokens })) tokens.push(...output.tokenIds);
    return tokens;
  };
  for (const { prompt, output } of answers) t.same(await answer(prompt), output, `${prompt.length} tokens`);
  const wanted = answers.map(({ output }) => output);
  t.same(await Promise.all(answers.map(({ prompt }) => answer(prompt))), wanted, 'together, with what is cached');
  const [{ prompt }] = answers;
  // A prefix of the same tokens whose keys are those of another length.
  t.same(await answer(prompt.slice(0, 30)), answers[1].output);
  await t.rejects(answer([...prompt, ...prompt, ...prompt]), { code: 'context_length_exceeded', message: /96 tokens/ });
});
