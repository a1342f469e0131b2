/** Times kernels of matrix products on the device, with weights that come from memory as a model's do. */
import { watched } from '../../gpu/refusal.ts';
import { waitForGpu } from '../../gpu/wait.ts';
import { matrixBytes } from '../../tensor/matrix.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { FEW_TOKENS } from '../matmul/matmul.ts';
import { rowsCandidates, rowsMatmul } from '../matmul/matmul.rows.ts';
import type { ProductChoice, RowsKernel } from '../matmul/product-choices.ts';
import { allocateRowMatrix, releaseRowMatrix, type RowMatrix } from '../matmul/row-matrix.ts';
import type { Matrix } from '../ops.ts';
import type { WebGPUOps } from '../webgpu-ops.ts';
import type { Question, Tuner } from './tune-products.ts';

/** Bytes of weights that take turns: more than any cache holds. */
const ROTATED = 256 * 2 ** 20;
const MOST_COPIES = 32;
/** A sample takes about so long; handing it over costs some 50 µs. */
const SAMPLE_SECONDS = 0.004;
const ROUNDS = 3;

/** Few tokens by the kernels that read weights once, more by those with tiles; between them both. */
const kernelsFor = (tokens: number): readonly RowsKernel[] => {
  if (tokens <= FEW_TOKENS)
    return ['matmul.gemv', ...(tokens === FEW_TOKENS ? (['matmul.tiled', 'matmul.matrix'] as const) : [])];
  return ['matmul.tiled', 'matmul.matrix', ...(tokens === 2 * FEW_TOKENS ? (['matmul.gemv'] as const) : [])];
};

export class DeviceTuner implements Tuner {
  readonly #ops: WebGPUOps;

  constructor(ops: WebGPUOps) {
    this.#ops = ops;
  }

  candidates({ matrix, tokens }: Question): ProductChoice[] {
    const { context } = this.#ops;
    return kernelsFor(tokens)
      .filter((name) => context.trusts(name) && (name !== 'matmul.matrix' || context.gpu.matrixUnit !== null))
      .flatMap((name) =>
        rowsCandidates[name](context, tokens, matrix.rows, { ...matrix, storage: null })
          .filter((plan) => plan.tokens <= 2 * Math.max(tokens, 16))
          .map(({ size }) => ({ name, size })),
      );
  }

  async time({ matrix, tokens }: Question, candidates: readonly ProductChoice[]): Promise<number[]> {
    const copies = Math.ceil(Math.min(MOST_COPIES, ROTATED / matrixBytes(matrix)));
    const { device } = this.#ops.context.gpu;
    // What lies in them does not change how long a product takes.
    const weights: Matrix[] = Array.from({ length: copies }, () => ({
      ...matrix,
      storage: allocateRowMatrix(device, matrix),
    }));
    try {
      const x = this.#ops.uploadF32(new Float32Array(tokens * matrix.cols), [tokens, matrix.cols]);
      const times: number[] = candidates.map(() => Infinity);
      const calls: number[] = [];
      for (const choice of candidates) calls.push(await this.#callsFor(choice, x, weights));
      for (let round = 0; round < ROUNDS; round++)
        for (const [i, choice] of candidates.entries())
          if (calls[i] > 0) times[i] = Math.min(times[i], await this.#sample(choice, x, weights, calls[i]));
      (x.storage as GPUBuffer).destroy();
      return times;
    } finally {
      for (const { storage } of weights) releaseRowMatrix(storage as RowMatrix);
    }
  }

  /** Compiles it, and finds how many calls make a sample; 0 where the driver refuses it. */
  async #callsFor(choice: ProductChoice, x: Tensor, weights: readonly Matrix[]): Promise<number> {
    const { result, refusal } = watched(this.#ops.context.gpu.device, () => this.#sample(choice, x, weights, 1));
    const refused = await refusal;
    await result;
    if (refused) return 0;
    return Math.max(1, Math.min(256, Math.ceil(SAMPLE_SECONDS / (await this.#sample(choice, x, weights, 1)))));
  }

  /** Seconds of a call. */
  async #sample({ name, size }: ProductChoice, x: Tensor, weights: readonly Matrix[], calls: number): Promise<number> {
    const { context } = this.#ops;
    const plan = rowsCandidates[name](context, x.shape[0], weights[0].rows, weights[0]).find(
      (each) => each.size === size,
    )!;
    const start = performance.now();
    for (let i = 0; i < calls; i++)
      this.#ops.scope('sample', () => {
        rowsMatmul(context, name, x, weights[i % weights.length], {}, plan);
        return x;
      });
    context.recorder.submit();
    await waitForGpu(context.gpu.device.queue.onSubmittedWorkDone());
    return (performance.now() - start) / 1000 / calls;
  }
}
