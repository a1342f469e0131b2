/** Read bandwidth of the device's memory: the roofline that decode is held against. */
import { openGpu } from '../../src/gpu/device.ts';
import { PipelineCache } from '../../src/gpu/pipelines.ts';
import { Recorder } from '../../src/gpu/recorder.ts';
import { waitForGpu } from '../../src/gpu/wait.ts';

const WORKGROUPS = 4096;
const source = /* wgsl */ `
struct Params { quads: u32 }
var<immediate> p: Params;
@group(0) @binding(0) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  var sum = vec4<u32>(0u);
  for (var i = id.x; i < p.quads; i += ${WORKGROUPS * 256}u) { sum += x[i]; }
  y[id.x] = sum.x + sum.y + sum.z + sum.w;
}`;

/** GB/s, best of several reads of a buffer far larger than any cache (as far as one binding goes). */
export async function readBandwidth(): Promise<number> {
  const gpu = await openGpu({ validation: false });
  const { device } = gpu;
  const bytes = Math.min(1 << 30, device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize) & ~255;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const x = device.createBuffer({ size: bytes, usage });
  const y = device.createBuffer({ size: WORKGROUPS * 256 * 4, usage });
  const kernel = new PipelineCache(device).get('read-bandwidth', () => source);
  const recorder = new Recorder(device);
  const quads = new Uint32Array([bytes / 16]);
  let best = Infinity;
  for (let i = 0; i < 6; i++) {
    const start = performance.now();
    for (let repeat = 0; repeat < 4; repeat++) recorder.dispatch(kernel, [x, y], quads, WORKGROUPS);
    recorder.submit();
    await waitForGpu(device.queue.onSubmittedWorkDone());
    best = Math.min(best, (performance.now() - start) / 4);
  }
  gpu.destroy();
  return bytes / 1e6 / best;
}
