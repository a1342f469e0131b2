/** Sampling on the device beside what it replaced: reading the logits and sampling on the host (the reference). Milliseconds a step. */
import type { Gpu } from '../../src/gpu/device.ts';
import type { SamplingRow, Step } from '../../src/kernels/ops.ts';
import { sampleReference } from '../../src/kernels/sample/sample.reference.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { emptyBatch, smallCache } from '../../test/helpers/batches.ts';
import { randomLogits, samplingRow } from '../../test/helpers/sampling.ts';
import { median } from '../helpers/machine.ts';

const VOCABULARY = 49152;

const settings: Record<string, Partial<SamplingRow>> = {
  greedy: { temperature: 0 },
  'temperature 1': {},
  'top-k 50': { topK: 50 },
  'top-p 0.9': { topP: 0.9 },
  'top-k 40, top-p 0.95, penalties': {
    topK: 40,
    topP: 0.95,
    penalties: { promptLength: 1, repetition: 1.1, presence: 0, frequency: 0.1 },
  },
};

export interface SamplingComparison {
  readonly name: string;
  readonly deviceMs: number;
  readonly hostMs: number;
  /** Median of the rounds' ratios host / device. */
  readonly ratio: number;
}

export async function compareSampling(gpu: Gpu, rounds: number): Promise<SamplingComparison[]> {
  const ops = new WebGPUOps(gpu);
  const comparisons: SamplingComparison[] = [];
  for (const count of [1, 16]) {
    const index = Uint32Array.from({ length: count }, (_, l) => l);
    const kv = ops.createKVCache({ ...smallCache, maxRequests: count });
    const batch = { ...emptyBatch(count), rows: index, logitIndices: index };
    const logits = ops.uploadF32(randomLogits(1, count, VOCABULARY, 4), [count, VOCABULARY]);
    for (const [name, setting] of Object.entries(settings)) {
      const rows = Array.from({ length: count }, (_, l) => samplingRow({ ...setting, u: (l + 0.5) / count }));
      const times = { device: [] as number[], host: [] as number[] };
      for (let round = -1; round < rounds; round++) {
        const step = ops.beginStep(batch, kv);
        const device = await milliseconds(() => ops.read(ops.sample(logits, step, rows)));
        const host = await milliseconds(() => readAndSample(ops, logits, step, rows));
        ops.endStep();
        // The first round compiles.
        if (round < 0) continue;
        times.device.push(device);
        times.host.push(host);
      }
      const ratio = median(times.host.map((ms, i) => ms / times.device[i]));
      const comparison = { deviceMs: median(times.device), hostMs: median(times.host), ratio };
      comparisons.push({ name: `${name}, ${count} of ${VOCABULARY}`, ...comparison });
    }
  }
  return comparisons;
}

async function readAndSample(ops: WebGPUOps, logits: Tensor, step: Step, rows: readonly SamplingRow[]): Promise<void> {
  const values = (await ops.read(logits)) as Float32Array;
  rows.forEach((row, l) => {
    sampleReference(values.subarray(l * VOCABULARY, (l + 1) * VOCABULARY), row, [step.batch.tokenIds[l]]);
  });
}

async function milliseconds(body: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await body();
  return performance.now() - start;
}
