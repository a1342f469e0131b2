/** What the device costs without any work: an empty dispatch in a long pass, and the way of four bytes to the host. */
import { openGpu } from '../../src/gpu/device.ts';
import { PipelineCache } from '../../src/gpu/pipelines.ts';
import { waitForGpu } from '../../src/gpu/wait.ts';
import { median } from '../helpers/machine.ts';

export interface Overheads {
  /** One dispatch of one workgroup that does nothing, behind others in one pass. */
  readonly emptyDispatchUs: number;
  /** Copy of 4 bytes, submit, mapAsync: awaited by polling without a pause, and as the engine waits (gpu/wait.ts). */
  readonly roundTripUs: { readonly polling: number; readonly napping: number };
}

const FEW = 200;
const MANY = 2200;
const ROUNDS = 10;

export async function measureOverheads(): Promise<Overheads> {
  const gpu = await openGpu({ validation: false });
  const { device } = gpu;
  const { pipeline } = new PipelineCache(device).get('empty', () => '@compute @workgroup_size(1) fn main() {}');
  const pass = async (dispatches: number) => {
    const encoder = device.createCommandEncoder();
    const compute = encoder.beginComputePass();
    compute.setPipeline(pipeline);
    for (let i = 0; i < dispatches; i++) compute.dispatchWorkgroups(1);
    compute.end();
    const commands = encoder.finish();
    const start = performance.now();
    device.queue.submit([commands]);
    await device.queue.onSubmittedWorkDone();
    return performance.now() - start;
  };
  const source = device.createBuffer({ size: 4, usage: GPUBufferUsage.COPY_SRC });
  const target = device.createBuffer({ size: 4, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  const roundTrip = async (wait: (mapped: Promise<undefined>) => Promise<unknown>) => {
    const start = performance.now();
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(source, 0, target, 0, 4);
    device.queue.submit([encoder.finish()]);
    await wait(target.mapAsync(GPUMapMode.READ));
    const ms = performance.now() - start;
    target.unmap();
    return ms;
  };
  const perDispatch = await times(async () => ((await pass(MANY)) - (await pass(FEW))) / (MANY - FEW));
  const polling = await times(() => roundTrip((mapped) => mapped));
  const napping = await times(() => roundTrip(waitForGpu));
  gpu.destroy();
  return { emptyDispatchUs: perDispatch * 1000, roundTripUs: { polling: polling * 1000, napping: napping * 1000 } };
}

/** Median of several calls, after one that does not count. */
async function times(call: () => Promise<number>): Promise<number> {
  await call();
  const all: number[] = [];
  for (let i = 0; i < ROUNDS; i++) all.push(await call());
  return median(all);
}
