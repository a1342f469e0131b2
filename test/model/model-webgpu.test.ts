/** The same exam on the WGSL backend, whatever adapter is there, with f32 activations. */
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { checkpoints, examine } from '../helpers/model-exam.ts';

const gpu = await openGpu({ validation: true });
const ops = new WebGPUOps(gpu, { activations: 'f32' });
t.teardown(() => ops.destroy());
t.comment(gpu.description);

for (const { name, stored } of checkpoints)
  t.test(name, async (t) => {
    await examine(t, ops, name, { stored, f16KV: 5e-3, chunking: 1e-5, quantized: 1e-4 });
  });
