/**
 * Time of each kernel, its GMAC/s and GB/s, and its share of what the adapter reaches at all (gpu/roofline.ts, measured in
 * the same round). Then sampling beside the host's, and one product beside gpu.js and plain TypeScript. With --variant,
 * instead: a kernel of one's own beside the built-in one.
 */
import { EngineError } from '../../src/errors.ts';
import { openGpu, type Gpu } from '../../src/gpu/device.ts';
import { Calibrator, leastSeconds } from '../../src/gpu/roofline.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import type { BenchResult, RunBench } from '../helpers/declare.ts';
import { describeMachine, median } from '../helpers/machine.ts';
import { matmulBenches, opBenches, type KernelBench } from './cases.ts';
import { compareVariant, variantHead, type VariantOptions } from './compare-variant.ts';
import type { spec } from './flags.ts';
import { compareSampling } from './sampling.ts';
import { Stopwatch } from './stopwatch.ts';
import { loadVariant, type Variant } from './variant.ts';

interface Row {
  readonly name: string;
  readonly us: number;
  readonly best: number;
  readonly gmacs: number;
  readonly gbs: number;
  readonly share: number;
}

async function measure(bench: KernelBench, gpu: Gpu, calibrator: Calibrator, options: VariantOptions): Promise<Row> {
  const ops = new WebGPUOps(gpu, { activations: bench.activations, kernelSet: options.kernelSet });
  const watch = await Stopwatch.on(gpu, ops, bench);
  const seconds: number[] = [];
  const shares: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const peak = await calibrator.measure();
    const s = await watch.sample();
    seconds.push(s);
    shares.push(leastSeconds({ bytes: bench.bytes, flops: 2 * bench.macs }, peak) / s);
  }
  watch.close();
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

function lineOf({ name, us, best, gmacs, gbs, share }: Row): string {
  const figures = [us.toFixed(1), best.toFixed(1), gmacs.toFixed(2), gbs.toFixed(2), share.toFixed(2)];
  return `${name.padEnd(56)} ${figures.map((s) => s.padStart(9)).join(' ')}`;
}

async function variantResult(variant: Variant, gpu: Gpu, all: KernelBench[], options: VariantOptions) {
  console.log(variantHead);
  const found = await compareVariant(variant, gpu, all, options);
  const { kernelSet, rounds } = options;
  const machine = describeMachine(gpu.description);
  const { file, replaces } = variant;
  const result = { mode: 'variant', variant: file, replaces, kernelSet, machine, rounds, ...found };
  return { result, exitCode: found.failures.length > 0 ? 1 : 0 } satisfies BenchResult;
}

export const run: RunBench<typeof spec> = async (flags) => {
  const only = new RegExp(flags.only);
  const variant = flags.variant === null ? null : await loadVariant(flags.variant, flags.kernel);
  const gpu = await openGpu({ validation: false });
  const shapes = flags.shapes.map((shape) => shape.split('x').map(Number) as [number, number]);
  const all = [...matmulBenches(shapes, flags.tokens), ...opBenches()];
  const kernelSet = flags.kernels === 'auto' ? gpu.kernelSet : flags.kernels;
  if (variant !== null) return variantResult(variant, gpu, all, { kernelSet, only, rounds: flags.rounds ?? 21 });

  const options = { kernelSet, only, rounds: flags.rounds ?? 5 };
  const { rounds } = options;
  const benches = all.filter((b) => only.test(b.name));
  if (benches.length === 0 && !only.test('sample'))
    throw new EngineError('bad_flag', `--only: no kernel's name matches ${flags.only}`);
  const calibrator = new Calibrator(gpu);
  const rows: Row[] = [];
  console.log(
    `${'kernel'.padEnd(56)} ${['µs', 'best', 'GMAC/s', 'GB/s', 'share'].map((s) => s.padStart(9)).join(' ')}`,
  );
  for (const bench of benches) {
    rows.push(await measure(bench, gpu, calibrator, options));
    console.log(lineOf(rows.at(-1)!));
  }
  const sampling = only.test('sample') ? await compareSampling(gpu, rounds) : [];
  for (const { name, deviceMs, hostMs, ratio } of sampling)
    console.log(
      `sample ${name.padEnd(52)} ${deviceMs.toFixed(2)} ms, on the host ${hostMs.toFixed(2)} ms, ${ratio.toFixed(2)}×`,
    );
  // Loaded only when asked for: gpu.js is not everywhere where this runs.
  const peers = flags.peers ? await (await import('./peers.ts')).comparePeers(gpu) : [];
  for (const { name, ms, gmacs } of peers)
    console.log(`512³ f32, ${name.padEnd(70)} ${ms.toFixed(1).padStart(9)} ms ${gmacs.toFixed(2).padStart(8)} GMAC/s`);
  const calibration = await calibrator.measure();
  const machine = describeMachine(gpu.description);
  const threads = process.env.LP_NUM_THREADS ?? 'default';
  return { result: { machine, threads, rounds, calibration, rows, sampling, peers } };
};
