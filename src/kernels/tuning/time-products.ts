/** Times kernels of matrix products on the device, with weights that come from memory as a model's do. */
import { watched } from '../../gpu/refusal.ts';
import { waitForGpu } from '../../gpu/wait.ts';
import { matrixBytes } from '../../tensor/matrix.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { ProductChoice } from '../matmul/product-choices.ts';
import { allocateRowMatrix, releaseRowMatrix, type RowMatrix } from '../matmul/row-matrix.ts';
import type { Matrix } from '../ops.ts';
import type { WebGPUOps } from '../webgpu-ops.ts';
import type { Question, Tuner } from './tune-products.ts';
import { tunedUse } from './tuned-uses.ts';

/** Bytes of weights that take turns: more than any cache holds. */
const ROTATED = 256 * 2 ** 20;
const MOST_COPIES = 32;
/** A sample takes about so long; handing it over costs some 50 µs. */
const SAMPLE_SECONDS = 0.004;
const ROUNDS = 3;

export class DeviceTuner implements Tuner {
  readonly #ops: WebGPUOps;

  constructor(ops: WebGPUOps) {
    this.#ops = ops;
  }

  candidates(question: Question): ProductChoice[] {
    const { context } = this.#ops;
    const { kernels, plans, lines } = tunedUse(this.#ops, question);
    return kernels
      .filter((name) => context.trusts(name) && (name !== 'matmul.matrix' || context.gpu.matrixUnit !== null))
      .flatMap((name) =>
        plans
          .candidates(name)
          .filter((plan) => plan.tokens <= 2 * Math.max(lines, 16))
          .map(({ size }) => ({ name, size })),
      );
  }

  async time(question: Question, candidates: readonly ProductChoice[]): Promise<number[]> {
    const { matrix } = question;
    const copies = Math.ceil(Math.min(MOST_COPIES, ROTATED / matrixBytes(matrix)));
    const { device } = this.#ops.context.gpu;
    // What lies in them does not change how long a product takes.
    const weights: Matrix[] = Array.from({ length: copies }, () => ({
      ...matrix,
      storage: allocateRowMatrix(device, matrix),
    }));
    const use = tunedUse(this.#ops, question);
    const inputs = use.inputs();
    const sampleOf = ({ name, size }: ProductChoice): Sample => {
      const plan = use.plans.candidates(name).find((each) => each.size === size)!;
      return { run: (w) => void use.run(inputs, w, { name, plan }), inputs, weights };
    };
    try {
      const samples = candidates.map(sampleOf);
      const times: number[] = samples.map(() => Infinity);
      const calls: number[] = [];
      for (const sample of samples) calls.push(await this.#callsFor(sample));
      for (let round = 0; round < ROUNDS; round++)
        for (const [i, sample] of samples.entries())
          if (calls[i] > 0) times[i] = Math.min(times[i], await this.#time(sample, calls[i]));
      return times;
    } finally {
      for (const { storage } of inputs) (storage as GPUBuffer).destroy();
      for (const { storage } of weights) releaseRowMatrix(storage as RowMatrix);
    }
  }

  /** Compiles it, and finds how many calls make a sample; 0 where the driver refuses it. */
  async #callsFor(sample: Sample): Promise<number> {
    const { result, refusal } = watched(this.#ops.context.gpu.device, () => this.#time(sample, 1));
    const refused = await refusal;
    await result;
    if (refused) return 0;
    return Math.max(1, Math.min(256, Math.ceil(SAMPLE_SECONDS / (await this.#time(sample, 1)))));
  }

  /** Seconds of a call. */
  async #time({ run, inputs, weights }: Sample, calls: number): Promise<number> {
    const { recorder, gpu, memory } = this.#ops.context;
    const start = performance.now();
    for (let i = 0; i < calls; i++)
      memory.scope(() => {
        run(weights[i % weights.length]);
        return inputs[0]; // of its own memory nothing is kept
      });
    recorder.submit();
    await waitForGpu(gpu.device.queue.onSubmittedWorkDone());
    return (performance.now() - start) / 1000 / calls;
  }
}

/** A product with weights that take turns. */
interface Sample {
  readonly run: (w: Matrix) => void;
  readonly inputs: readonly Tensor[];
  readonly weights: readonly Matrix[];
}
