/** One matrix product `x · wᵀ` of f32 matrices four ways: plain TypeScript, gpu.js in each of its modes, and WGSL. */
import { create } from 'webgpu';
import { GPU } from 'gpu.js';
import type { Gpu } from '../../src/gpu/device.ts';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { median } from '../helpers/machine.ts';
import { matmulBench } from './cases.ts';

export interface PeerRow {
  readonly name: string;
  readonly ms: number;
  readonly gmacs: number;
}

/** Tokens, rows and columns alike. */
const SIZE = 512;
const ROUNDS = 5;

async function time(name: string, run: () => Promise<unknown>): Promise<PeerRow> {
  await run();
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  const ms = median(times);
  return { name, ms, gmacs: SIZE ** 3 / ms / 1e6 };
}

/** Each is given host arrays it has seen before and gives host arrays back, reading included. */
export async function comparePeers(gpu: Gpu): Promise<PeerRow[]> {
  const bench = matmulBench('f32', 'f32', { tokens: SIZE, rows: SIZE, cols: SIZE });
  const rows: PeerRow[] = [];
  for (const [name, ops] of [
    ['plain TypeScript (ReferenceOps)', new ReferenceOps()],
    [`WGSL on ${gpu.description}`, new WebGPUOps(gpu)],
  ] as const) {
    const record = await bench.prepare(ops);
    rows.push(await time(name, () => ops.read(record())));
  }
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true });
  for (const mode of ['cpu', 'webasm', 'webgpu'] as const) {
    const kernel = gpuJsKernel(mode);
    rows.push(await time(`gpu.js, mode ${mode}`, kernel));
  }
  return rows;
}

function gpuJsKernel(mode: 'cpu' | 'webasm' | 'webgpu'): () => Promise<unknown> {
  const matrix = () => Array.from({ length: SIZE }, () => Float32Array.from({ length: SIZE }, () => Math.random()));
  const [x, w] = [matrix(), matrix()];
  const kernel = new GPU({ mode: mode as 'cpu' }).createKernel(
    function (this: { thread: { x: number; y: number } }, x: number[][], w: number[][]) {
      let sum = 0;
      for (let k = 0; k < 512; k++) sum += x[this.thread.y][k] * w[this.thread.x][k];
      return sum;
    },
    { output: [SIZE, SIZE] },
  );
  return async () => kernel(x, w);
}
