/**
 * Time of each kernel, its GMAC/s and GB/s, and its share of what the adapter reaches at all (calibration.ts, measured in
 * the same round): `max(macs / peak, bytes / bandwidth) / time`. The bandwidth is that of main memory and the peak that of
 * f32, so weights that stay in a cache and products of packed integers can pass 1. Then sampling beside the
 * host's, and one product beside gpu.js and plain TypeScript.
 *   npm run bench -- kernels [--only REGEX] [--rounds N] [--kernels cpu-adapter|gpu] [--tokens 1,16,512] [--shapes 1536x576,…]
 */
import { parseArgs } from 'node:util';
import { openGpu, type KernelSet } from '../../src/gpu/device.ts';
import { waitForGpu } from '../../src/gpu/wait.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { describeMachine, median } from '../helpers/machine.ts';
import { Calibrator, type Calibration } from './calibration.ts';
import { matmulBenches, opBenches, type KernelBench } from './cases.ts';
import { compareSampling } from './sampling.ts';

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: '.' },
    rounds: { type: 'string', default: '5' },
    kernels: { type: 'string' },
    tokens: { type: 'string', default: '1,16,128' },
    shapes: { type: 'string', default: '1536x576,4096x4096' },
    'no-peers': { type: 'boolean', default: false },
  },
});
const rounds = Number(flags.rounds);
if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error(`--rounds: expected a count, got ${flags.rounds}`);
if (flags.kernels !== undefined && !['cpu-adapter', 'gpu'].includes(flags.kernels))
  throw new Error(`--kernels: expected cpu-adapter or gpu, got ${flags.kernels}`);
const shapes = flags.shapes.split(',').map((s) => s.split('x').map(Number) as [number, number]);

/** A sample is repeated calls of at least this long, so that waiting for it does not count. */
const SAMPLE_MS = 30;

const gpu = await openGpu({ validation: false });
const calibrator = new Calibrator(gpu);
const sentinel = new Float32Array(1);

interface Row {
  readonly name: string;
  readonly us: number;
  readonly best: number;
  readonly gmacs: number;
  readonly gbs: number;
  readonly share: number;
}

async function measure(bench: KernelBench): Promise<Row> {
  const kernelSet = flags.kernels as KernelSet | undefined;
  const ops = new WebGPUOps(gpu, { activations: bench.activations, ...(kernelSet ? { kernelSet } : {}) });
  const record = await bench.prepare(ops);
  const keep = ops.uploadF32(sentinel, [1]);
  const sample = async (calls: number) => {
    const start = performance.now();
    for (let i = 0; i < calls; i++) {
      ops.scope(() => {
        record();
        return keep;
      });
    }
    ops.context.recorder.submit();
    await waitForGpu(gpu.device.queue.onSubmittedWorkDone());
    return (performance.now() - start) / 1000 / calls;
  };
  await sample(1);
  let calls = 1;
  while ((await sample(calls)) * calls * 1000 < SAMPLE_MS) calls *= 2;
  const seconds: number[] = [];
  const shares: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const peak = await calibrator.measure();
    const s = await sample(calls);
    seconds.push(s);
    shares.push(roofline(bench, peak) / s);
  }
  ops.context.pool.destroy();
  const s = median(seconds);
  return {
    name: bench.name,
    us: s * 1e6,
    best: Math.min(...seconds) * 1e6,
    gmacs: bench.macs / s / 1e9,
    gbs: bench.bytes / s / 1e9,
    share: median(shares),
  };
}

/** Seconds that the op takes at least. */
function roofline(bench: KernelBench, peak: Calibration): number {
  return Math.max(bench.macs / peak.gmacs, bench.bytes / peak.gbs) / 1e9;
}

const only = new RegExp(flags.only);
const all = [...matmulBenches(shapes, flags.tokens.split(',').map(Number)), ...opBenches()];
const benches = all.filter((b) => only.test(b.name));
if (benches.length === 0 && !only.test('sample')) throw new Error(`--only ${flags.only}: no kernel has such a name`);
const rows: Row[] = [];
console.log(`${'kernel'.padEnd(56)} ${['µs', 'best', 'GMAC/s', 'GB/s', 'share'].map((s) => s.padStart(9)).join(' ')}`);
for (const bench of benches) {
  const row = await measure(bench);
  rows.push(row);
  const figures = [
    row.us.toFixed(1),
    row.best.toFixed(1),
    row.gmacs.toFixed(2),
    row.gbs.toFixed(2),
    row.share.toFixed(2),
  ];
  console.log(`${row.name.padEnd(56)} ${figures.map((s) => s.padStart(9)).join(' ')}`);
}
const sampling = only.test('sample') ? await compareSampling(gpu, rounds) : [];
for (const { name, deviceMs, hostMs, ratio } of sampling)
  console.log(
    `sample ${name.padEnd(52)} ${deviceMs.toFixed(2)} ms, on the host ${hostMs.toFixed(2)} ms, ${ratio.toFixed(2)}×`,
  );
// Loaded only when asked for: gpu.js is not everywhere where this runs.
const peers = flags['no-peers'] ? [] : await (await import('./peers.ts')).comparePeers(gpu);
for (const { name, ms, gmacs } of peers)
  console.log(`512³ f32, ${name.padEnd(70)} ${ms.toFixed(1).padStart(9)} ms ${gmacs.toFixed(2).padStart(8)} GMAC/s`);
const calibration = await calibrator.measure();
const machine = describeMachine(gpu.description);
const threads = process.env.LP_NUM_THREADS ?? 'default';
console.log(JSON.stringify({ bench: 'kernels', machine, threads, rounds, calibration, rows, sampling, peers }));
process.exit(0);
