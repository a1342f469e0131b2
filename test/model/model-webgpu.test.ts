/** The same exam on the WGSL backend, whatever adapter is there: f32 activations, then int8 ones. */
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { checkpoints, examine, examineInt8, examinePacked } from '../helpers/model-exam.ts';

const gpu = await openGpu({ validation: true });
const ops = new WebGPUOps(gpu, { activations: 'f32' });
t.teardown(() => ops.destroy());
t.comment(gpu.description);

// One of each kind of attention: lavapipe compiles kernels of each for each element type, and test/kernels/cases has them all.
const withOtherCaches = new Set(['llama-tied', 'gemma3', 'gemma2', 'bloom', 'gpt_oss', 'minicpm3', 'qwen3_next']);

for (const { name, stored } of checkpoints.filter((c) => !c.onReferenceOnly))
  t.test(name, async (t) => {
    const bounds = { stored, f16KV: 5e-3, int8KV: 5e-2, int4KV: 0.25, chunking: 1e-5, quantized: 1e-4 };
    await examine(t, ops, name, bounds, withOtherCaches.has(name) ? undefined : []);
  });

t.test('packed formats', async (t) => {
  for (const checkpoint of checkpoints.filter((c) => c.isPacked)) await examinePacked(t, ops, checkpoint);
});

// Random weights with sharp attention amplify what int8 activations lose; bench/quality has the loss of a real model.
t.test('int8 activations', async (t) => {
  const int8 = new WebGPUOps(gpu, { activations: 'int8' });
  await examineInt8(t, int8, 'llama-tied', { same: 1e-2, f32: 0.1 }, gpu.kernelSet === 'lavapipe');
});
