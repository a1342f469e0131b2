/** A variant beside the built-in kernel: is it right, and is it faster by more than two runs of the same kernel differ? */
import { EngineError } from '../../src/errors.ts';
import type { Gpu, KernelSet } from '../../src/gpu/device.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { runKernelTable } from '../../test/helpers/kernel-table.ts';
import { boundOf } from '../../test/helpers/other-versions.ts';
import { allCases } from '../../test/kernels/cases/all-cases.ts';
import { median, quantile } from '../helpers/machine.ts';
import { fromCase, type KernelBench } from './cases.ts';
import { casesOf } from './dry-run.ts';
import { Stopwatch } from './stopwatch.ts';
import type { Variant } from './variant.ts';

export interface VariantOptions {
  readonly kernelSet: KernelSet;
  readonly rounds: number;
  readonly only: RegExp;
}

interface Spread {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
}

export interface VariantRow {
  readonly name: string;
  /** Microseconds of a call. */
  readonly builtIn: number;
  readonly variant: number;
  /** variant / built-in, of the same round. */
  readonly ratio: Spread;
  /** The built-in kernel once more / itself: what the machine alone does to a ratio. */
  readonly control: Spread;
}

/** The op of a case is the first word of its name. */
const opOf = ({ name }: { readonly name: string }): string => name.split(' ')[0];

/** @returns failures of the case table; where there are any, nothing is timed */
export async function compareVariant(
  variant: Variant,
  gpu: Gpu,
  benches: readonly KernelBench[],
  { kernelSet, rounds, only }: VariantOptions,
): Promise<{ cases: number; failures: string[]; rows: VariantRow[] }> {
  const cases = await casesOf(variant, allCases, gpu, kernelSet);
  if (cases.length === 0) {
    const other = kernelSet === 'gpu' ? 'lavapipe' : 'gpu';
    const elsewhere = await casesOf(variant, allCases, gpu, other);
    const hint = elsewhere.length > 0 ? `; --kernels ${other} does` : '';
    throw new EngineError(
      'bad_flag',
      `--variant: no case of the kernel set ${kernelSet} uses ${variant.replaces}${hint}`,
    );
  }
  const failures = await check(variant, cases, kernelSet);
  if (failures.length > 0) return { cases: cases.length, failures, rows: [] };

  const ops = new Set(cases.map(opOf));
  const timed = await casesOf(
    variant,
    benches.filter((b) => ops.has(opOf(b))),
    gpu,
    kernelSet,
  );
  const all = timed.length > 0 ? timed : cases.map((one) => fromCase(one, 0));
  const rows: VariantRow[] = [];
  for (const bench of all.filter(({ name }) => only.test(name))) {
    const row = await time(variant, gpu, bench, kernelSet, rounds);
    rows.push(row);
    console.log(lineOf(row));
  }
  if (rows.length === 0)
    throw new EngineError('bad_flag', `--only: none of ${all.map((b) => b.name).join('; ')} matches`);
  return { cases: cases.length, failures, rows };
}

async function check(variant: Variant, cases: typeof allCases, kernelSet: KernelSet): Promise<string[]> {
  const failures: string[] = [];
  await variant.during(async () => {
    for await (const { name, ok, found } of runKernelTable({
      cases,
      kernelSet,
      createOps: variant.createOps,
      ...boundOf(variant.file),
      robust: () => false,
    })) {
      if (ok) continue;
      failures.push(`${name}: nmse ${found.nmse}, max ${found.maxAbs}`);
      console.log(`WRONG ${failures.at(-1)}`);
    }
  });
  console.log(
    `${variant.replaces}: ${cases.length - failures.length} of ${cases.length} cases are within their bounds`,
  );
  return failures;
}

async function time(
  variant: Variant,
  gpu: Gpu,
  bench: KernelBench,
  kernelSet: KernelSet,
  rounds: number,
): Promise<VariantRow> {
  const options = { kernelSet, activations: bench.activations };
  const builtIn = await Stopwatch.on(gpu, new WebGPUOps(gpu, options), bench);
  const control = await Stopwatch.on(gpu, new WebGPUOps(gpu, options), bench);
  const { result: own } = await variant.during(() => Stopwatch.on(gpu, variant.createOps(gpu, options), bench));
  // As much work in each sample.
  control.calls = own.calls = builtIn.calls;
  const times = { builtIn: [] as number[], own: [] as number[], control: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const order = [
      ['builtIn', builtIn],
      ['own', own],
      ['control', control],
    ] as const;
    for (const [name, watch] of round % 2 === 0 ? order : [...order].reverse()) times[name].push(await watch.sample());
  }
  for (const watch of [builtIn, control, own]) watch.close();
  return {
    name: bench.name,
    builtIn: median(times.builtIn) * 1e6,
    variant: median(times.own) * 1e6,
    ratio: spread(times.own.map((s, i) => s / times.builtIn[i])),
    control: spread(times.control.map((s, i) => s / times.builtIn[i])),
  };
}

function spread(values: readonly number[]): Spread {
  return { median: median(values), p10: quantile(values, 0.1), p90: quantile(values, 0.9) };
}

export const variantHead = `${'kernel'.padEnd(56)} ${'built-in µs'.padStart(12)} ${'variant µs'.padStart(12)}  variant / built-in (p10–p90)  built-in / itself`;

function lineOf({ name, builtIn, variant, ratio, control }: VariantRow): string {
  const text = ({ median, p10, p90 }: Spread): string => `${median.toFixed(3)} (${p10.toFixed(3)}–${p90.toFixed(3)})`;
  return `${name.padEnd(56)} ${builtIn.toFixed(1).padStart(12)} ${variant.toFixed(1).padStart(12)}  ${text(ratio).padEnd(29)} ${text(control)}`;
}
