/**
 * One part of `bench/gpu` (child.ts starts it): prints how it goes, and what it knows as a line of JSON each time that it
 * knows more. `node .bench/bench/gpu/part.js NAME [OPTIONS as JSON]`
 */
import { describeAdapter } from '../../src/commands/doctor/describe-adapter.ts';
import { vulkanManifests } from '../../src/commands/doctor/vulkan-driver.ts';
import { EngineError } from '../../src/errors.ts';
import { openGpu } from '../../src/gpu/device.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { loadModel } from '../../src/model/weights/load-weights.ts';
import { runKernelTable, type KernelResult } from '../../test/helpers/kernel-table.ts';
import {
  checkpoints,
  fixturePath,
  forward,
  newCache,
  readOracle,
  relativeError,
} from '../../test/helpers/model-exam.ts';
import { otherVersions, type OtherVersion } from '../../test/helpers/other-versions.ts';
import { allCases } from '../../test/kernels/cases/all-cases.ts';
import { describeMachine } from '../helpers/machine.ts';
import { readBandwidth } from './bandwidth.ts';
import { measureOverheads } from './overheads.ts';
import { shapes, writeRandomCheckpoint } from './random-checkpoint.ts';
import { measureSpeed, type SpeedOptions } from './speed.ts';

const say = (result: object): void => console.log(JSON.stringify(result));

async function adapter(): Promise<void> {
  const probe = await openGpu({ validation: false });
  const { kernelSet, hasF16, hasSubgroups, matrixUnit, description } = probe;
  const vulkanDrivers = process.platform === 'linux' ? vulkanManifests() : null;
  const machine = describeMachine(description);
  say({ machine, vulkanDrivers, kernelSet, hasF16, hasSubgroups, matrixUnit, ...(await describeAdapter(probe)) });
}

/** Cases that take longer are named as they end: they are what the time goes to. */
const SLOW_MS = 5000;
const REPORT_EVERY = 25;

/** A part of a list: the `part`th of `of` pieces, counted from 1; all of it where nothing is said. */
interface Share {
  readonly part: number;
  readonly of: number;
}

const shareOf = <T>(all: readonly T[], { part, of }: Share = { part: 1, of: 1 }): readonly T[] =>
  all.slice(Math.floor(((part - 1) * all.length) / of), Math.floor((part * all.length) / of));

interface KernelsOptions {
  /** With robust shaders too, unless told otherwise. */
  readonly robust?: boolean;
  readonly share?: Share;
}

/** The kernel table. */
async function kernels({ robust = true, share }: KernelsOptions = {}): Promise<void> {
  const cases = shareOf(allCases, share);
  await runCases(cases.length, runKernelTable({ cases, robust: () => robust }));
}

/** The kernel table by the versions that the table of kernels names and does not choose. */
async function versions({ share }: KernelsOptions = {}): Promise<void> {
  const { kernelSet } = await openGpu({ validation: false });
  const tables: OtherVersion[] = [];
  for await (const table of otherVersions(kernelSet, shareOf(allCases, share))) tables.push(table);
  const results = async function* (): AsyncGenerator<KernelResult> {
    for (const { name: version, ...how } of tables)
      for await (const result of runKernelTable({ ...how, robust: () => false }))
        yield { ...result, name: `${result.name} by ${version}` };
  };
  const of = tables.reduce((sum, { cases }) => sum + cases.length, 0);
  await runCases(of, results());
}

/** Says how many passed and which not; `slow` are seconds by case. */
async function runCases(of: number, results: AsyncIterable<KernelResult>): Promise<void> {
  const failures: string[] = [];
  const slow: Record<string, number> = {};
  let passed = 0;
  let start = performance.now();
  const report = () => say({ passed, of, failures, slow });
  for await (const { name, ok, found, robust } of results) {
    const seconds = (performance.now() - start) / 1000;
    if (ok) passed++;
    else failures.push(`${name}: max ${found.maxAbs}, robust ${robust.maxAbs}`);
    if (!ok) console.log(`  FAIL ${failures.at(-1)}`);
    if (seconds * 1000 > SLOW_MS) {
      slow[name] = Math.round(seconds);
      console.log(`  ${name}: ${slow[name]} s`);
    }
    if (!ok || (passed + failures.length) % REPORT_EVERY === 0) report();
    start = performance.now();
  }
  report();
}

/** Of logits, where matrix units round operands to f16: each product is off by some 3e-4. */
const ROUNDED = 1e-2;

/**
 * Largest relative error of each tiny checkpoint's logits against transformers float32: exact, and by matrix units if there are
 * some. lavapipe's own kernels refuse one with heads of 4.
 */
async function models({ share }: { share?: Share } = {}): Promise<void> {
  const gpu = await openGpu({ validation: false });
  const exact = new WebGPUOps({ ...gpu, matrixUnit: null });
  const byUnits = gpu.matrixUnit && new WebGPUOps(gpu);
  const results: Record<string, { error: number; bound: number; ok: boolean } | { refused: string; ok: true }> = {};
  for (const { name, stored } of shareOf(checkpoints, share)) {
    const errorOn = async (ops: WebGPUOps): Promise<number> => {
      const { prompt, logits } = readOracle(name);
      const opened = openModel(fixturePath(name));
      const model = await loadModel(ops, opened, { quant: 'stored', maxLength: 64 });
      opened.close();
      try {
        const actual = await forward(ops, model, newCache(ops, model, 'f32'), [{ row: 0, start: 0, ids: prompt }]);
        return relativeError(actual, logits);
      } finally {
        ops.endStep();
      }
    };
    const report = (what: string, error: number, bound: number): void => {
      results[what] = { error, bound, ok: error <= bound };
      console.log(`  ${results[what].ok ? 'ok  ' : 'FAIL'} ${what}: ${error.toExponential(1)}`);
      say(results);
    };
    try {
      report(name, await errorOn(exact), stored);
    } catch (error) {
      if (!isRefusal(error) || gpu.kernelSet !== 'lavapipe') throw error;
      results[name] = { refused: error.message, ok: true };
      console.log(`  refused ${name}: ${error.message}`);
    }
    if (byUnits) report(`${name} by matrix units`, await errorOn(byUnits), Math.max(stored, ROUNDED));
  }
}

const isRefusal = (error: unknown): error is EngineError =>
  error instanceof EngineError && error.code === 'unsupported_model';

const parts: Readonly<Record<string, (options: never) => Promise<void>>> = {
  adapter,
  kernels,
  versions,
  models,
  overheads: async () => say(await measureOverheads()),
  bandwidth: async () => say({ gbs: await readBandwidth() }),
  write: async ({ shape, directory }: { shape: string; directory: string }) =>
    Promise.resolve(writeRandomCheckpoint(directory, shapes[shape])),
  speed: ({ path, ...options }: SpeedOptions & { path: string }) => measureSpeed(path, { ...options, onProgress: say }),
};

const [name = '', options = '{}'] = process.argv.slice(2);
await parts[name](JSON.parse(options) as never);
process.exit(0);
