/**
 * How many workgroups of one dispatch run at the same time, found out by letting them meet. WebGPU promises nothing
 * here, so a kernel whose workgroups wait for each other may only use as many as were seen together.
 */
import { availableParallelism } from 'node:os';
import { waitForGpu } from './wait.ts';

const MOST = 8;
/** Turns of the waiting loop before a workgroup gives up; some 50 ms on lavapipe. */
const PATIENCE = 1 << 21;
const ATTEMPTS = 3;

const source = `
@group(0) @binding(0) var<storage, read_write> state: array<atomic<u32>, 2>; // arrived, missed somebody
@compute @workgroup_size(1)
fn main(@builtin(num_workgroups) grid: vec3<u32>) {
  atomicAdd(&state[0], 1u);
  for (var turn = 0u; turn < ${PATIENCE}u; turn++) {
    if (atomicAdd(&state[0], 0u) >= grid.x) { return; }
  }
  atomicAdd(&state[1], 1u);
}`;

/** The number of workgroups, at most 8, that met in every one of a few attempts; 1 when none did. */
export async function concurrentWorkgroups(device: GPUDevice): Promise<number> {
  const module = device.createShaderModule({ code: source, label: 'concurrency' });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  for (let count = Math.min(MOST, availableParallelism()); count > 1; count--) {
    let met = true;
    for (let i = 0; i < ATTEMPTS && met; i++) met = await meet(device, pipeline, count);
    if (met) return count;
  }
  return 1;
}

async function meet(device: GPUDevice, pipeline: GPUComputePipeline, count: number): Promise<boolean> {
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const state = device.createBuffer({ size: 8, usage: STORAGE | COPY_SRC | COPY_DST });
  const staging = device.createBuffer({ size: 8, usage: MAP_READ | COPY_DST });
  const bindings = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: state } }],
  });
  const encoder = device.createCommandEncoder();
  encoder.clearBuffer(state);
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindings);
  pass.dispatchWorkgroups(count);
  pass.end();
  encoder.copyBufferToBuffer(state, 0, staging, 0, 8);
  device.queue.submit([encoder.finish()]);
  await waitForGpu(staging.mapAsync(GPUMapMode.READ));
  const missed = new Uint32Array(staging.getMappedRange())[1];
  staging.destroy();
  state.destroy();
  return missed === 0;
}
