/** Times one op on one backend: repeated calls of at least SAMPLE_MS, so that waiting for them does not count. */
import type { Gpu } from '../../src/gpu/device.ts';
import { waitForGpu } from '../../src/gpu/wait.ts';
import type { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import type { KernelBench } from './cases.ts';

const SAMPLE_MS = 30;
const sentinel = new Float32Array(1);

export class Stopwatch {
  readonly #gpu: Gpu;
  readonly #ops: WebGPUOps;
  readonly #record: () => Tensor;
  readonly #keep: Tensor;
  calls = 1;

  private constructor(gpu: Gpu, ops: WebGPUOps, record: () => Tensor) {
    this.#gpu = gpu;
    this.#ops = ops;
    this.#record = record;
    this.#keep = ops.uploadF32(sentinel, [1]);
  }

  /** Uploads the inputs, compiles, and finds how many calls make a sample. */
  static async on(gpu: Gpu, ops: WebGPUOps, bench: Pick<KernelBench, 'prepare'>): Promise<Stopwatch> {
    const watch = new Stopwatch(gpu, ops, await bench.prepare(ops));
    await watch.sample();
    while ((await watch.sample()) * watch.calls * 1000 < SAMPLE_MS) watch.calls *= 2;
    return watch;
  }

  /** Seconds of one call. */
  async sample(): Promise<number> {
    const start = performance.now();
    for (let i = 0; i < this.calls; i++) {
      this.#ops.scope('sample', () => {
        this.#record();
        return this.#keep;
      });
    }
    this.#ops.context.recorder.submit();
    await waitForGpu(this.#gpu.device.queue.onSubmittedWorkDone());
    return (performance.now() - start) / 1000 / this.calls;
  }

  /** Frees the activations. */
  close(): void {
    this.#ops.context.pool.destroy();
  }
}
