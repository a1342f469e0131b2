/** The same exam on the WGSL backend, whatever adapter is there: f32 activations, then int8 ones. */
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { checkpoints, examine, examineInt8 } from '../helpers/model-exam.ts';

const gpu = await openGpu({ validation: true });
const ops = new WebGPUOps(gpu, { activations: 'f32' });
t.teardown(() => ops.destroy());
t.comment(gpu.description);

for (const { name, stored } of checkpoints.filter((c) => !c.onReferenceOnly))
  t.test(name, async (t) => {
    await examine(t, ops, name, { stored, f16KV: 5e-3, int8KV: 5e-2, int4KV: 0.75, chunking: 1e-5, quantized: 1e-4 });
  });

// Random weights with sharp attention amplify what int8 activations lose; bench/quality has the loss of a real model.
t.test('int8 activations', async (t) => {
  await examineInt8(t, new WebGPUOps(gpu, { activations: 'int8' }), 'llama-tied', { same: 1e-2, f32: 0.1 });
});
