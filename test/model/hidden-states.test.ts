/** Hidden states and reward models' scores against transformers float32, on the reference and on the device. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import type { Ops } from '../../src/kernels/ops.ts';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import type { CausalLM } from '../../src/model/causal-lm.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { planBytes } from '../../src/model/weights/memory-plan.ts';
import { planWeights } from '../../src/model/weights/weight-plan.ts';
import { loadModel } from '../../src/model/weights/load-weights.ts';
import { batchOf, fixturePath, fixtures, newCache, readOracle, relativeError } from '../helpers/model-exam.ts';

const reference = new ReferenceOps();
const device = new WebGPUOps(await openGpu({ validation: true }), { activations: 'f32' });
t.teardown(() => device.destroy());

async function load(ops: Ops, name: string): Promise<CausalLM> {
  const opened = openModel(fixturePath(name));
  const model = await loadModel(ops, opened, { quant: 'stored', maxLength: 64 });
  opened.close();
  return model;
}

/** [prompt, hidden], the prompt computed in two chunks. */
async function hiddenStates(ops: Ops, model: CausalLM, prompt: readonly number[]): Promise<Float32Array> {
  const kv = newCache(ops, model, 'f32');
  const half = prompt.length >> 1;
  const parts: number[] = [];
  for (const [start, end] of [
    [0, half],
    [half, prompt.length],
  ]) {
    if (start === end) continue;
    const step = ops.beginStep(batchOf([{ row: 1, start, ids: prompt.slice(start, end) }]), kv);
    const read = ops.read(model.hiddenStates(ops, model.layers(ops, step, kv)));
    ops.endStep();
    parts.push(...(await read));
  }
  return Float32Array.from(parts);
}

for (const name of ['llama-tied', 'qwen2', 'llama-biases-llama3'])
  t.test(`last hidden states of ${name}`, async (t) => {
    const { prompt } = readOracle(name);
    const bytes = readFileSync(`${fixtures}/${name}/hidden.f32`);
    const expected = new Float32Array(new Uint8Array(bytes).buffer);
    const byReference = await hiddenStates(reference, await load(reference, name), prompt);
    t.ok(relativeError(byReference, expected) < 1e-5, `reference: ${relativeError(byReference, expected)}`);
    const byDevice = await hiddenStates(device, await load(device, name), prompt);
    t.ok(relativeError(byDevice, expected) < 1e-5, `device: ${relativeError(byDevice, expected)}`);
    t.ok(relativeError(byDevice, byReference) < 1e-5);
  });

for (const name of ['llama-score', 'qwen2-score', 'qwen2-reward'])
  t.test(`scores of ${name}`, async (t) => {
    const { prompts, scores } = JSON.parse(readFileSync(`${fixtures}/${name}/scores.json`, 'utf8')) as {
      prompts: number[][];
      scores: number[];
    };
    for (const ops of [reference, device]) {
      const model = await load(ops, name);
      for (const [i, prompt] of prompts.entries()) {
        const hidden = await hiddenStates(ops, model, prompt);
        const score = model.scoreHead!.score(hidden.slice(-model.config.hiddenSize));
        t.ok(Math.abs(score - scores[i]) < 1e-4, `${ops.backend}: ${score} is ${scores[i]}`);
      }
      t.throws(() => model.logits(ops, ops.uploadF32(new Float32Array(32), [1, 32])), /without a language-model head/);
    }
  });

t.test('what is no reward model', async (t) => {
  const opened = openModel(fixturePath('llama-score'));
  const head = opened.tensors.get('score.weight')!;
  const tensors = new Map([...opened.tensors, [head.name, { ...head, shape: [3, 32] }]]);
  t.throws(() => planWeights({ ...opened, tensors }, 'stored'), { code: 'unsupported_model', message: /3 labels/ });
  t.ok(planBytes(planWeights(opened, 'stored')).total > 0);
  opened.close();
  t.equal((await load(reference, 'qwen2')).scoreHead, null);
});
