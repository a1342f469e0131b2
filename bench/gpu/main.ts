/**
 * Everything that can be said about one adapter in one run: what it is and costs, the kernel table, the models against
 * transformers' logits, speed at real shapes against the roofline, and the engine. `npm run gpu` calls it; it needs no
 * network and no weights, and ends within `--minutes` (parts for which there is no time are named in `skipped`).
 *   node .bench/bench/gpu/main.js [--out FILE] [--minutes 8] [--shapes smollm2-135m,llama-3.2-1b] [--prefill 512] [--batches 1,4,16,64]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeAdapter } from '../../src/commands/doctor/describe-adapter.ts';
import { vulkanManifests } from '../../src/commands/doctor/vulkan-driver.ts';
import { openGpu } from '../../src/gpu/device.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { openModel } from '../../src/model/open-model.ts';
import { loadModel } from '../../src/model/weights.ts';
import { runKernelTable } from '../../test/helpers/kernel-table.ts';
import {
  checkpoints,
  fixturePath,
  forward,
  newCache,
  readOracle,
  relativeError,
} from '../../test/helpers/model-exam.ts';
import { describeMachine } from '../helpers/machine.ts';
import { readBandwidth } from './bandwidth.ts';
import { runBench } from './child-bench.ts';
import { measureOverheads } from './overheads.ts';
import { shapes, writeRandomCheckpoint } from './random-checkpoint.ts';
import { measureSpeed } from './speed.ts';
import { Stages } from './stages.ts';
import { startWatchdog } from './watchdog.ts';

const { values: flags } = parseArgs({
  options: {
    out: { type: 'string' },
    minutes: { type: 'string', default: '8' },
    shapes: { type: 'string', default: 'smollm2-135m,llama-3.2-1b' },
    prefill: { type: 'string', default: '512' },
    batches: { type: 'string', default: '1,4,16,64' },
    rounds: { type: 'string', default: '5' },
  },
});
const names = flags.shapes.split(',').filter(Boolean);
for (const name of names)
  if (!shapes[name]) throw new Error(`--shapes: ${name} is none of ${Object.keys(shapes).join(', ')}`);
const limitMs = Number(flags.minutes) * 60_000;
const stages = new Stages(limitMs, flags.out);

startWatchdog({ file: flags.out, ms: limitMs + 30_000 });

async function adapter() {
  const probe = await openGpu({ validation: false });
  const { kernelSet, hasF16, hasSubgroups, description } = probe;
  const report = describeAdapter(probe);
  probe.destroy();
  console.log(`${description}, kernels: ${kernelSet}`);
  console.log(`subgroup matrices: ${report.subgroupMatrices.join(', ') || 'none'}`);
  return { machine: describeMachine(description), kernelSet, hasF16, hasSubgroups, ...report };
}

async function kernelTable(): Promise<{ passed: number; failures: string[] }> {
  let passed = 0;
  const failures: string[] = [];
  for await (const { name, ok, found, production } of runKernelTable()) {
    if (ok) passed++;
    else failures.push(`${name}: max ${found.maxAbs}, production ${production.maxAbs}`);
    if ((passed + failures.length) % 50 === 0) console.log(`  ${passed + failures.length} cases`);
    if (stages.left() > 0) continue;
    failures.push(`out of time behind ${name}: the rest of the table was not run`);
    break;
  }
  console.log(`kernel table: ${passed} passed, ${failures.length} failed`);
  for (const failure of failures) console.log(`  ${failure}`);
  return { passed, failures };
}

/** Largest relative error of each tiny checkpoint's logits against transformers float32. */
async function models(): Promise<{ name: string; error: number; bound: number; ok: boolean }[]> {
  const ops = new WebGPUOps(await openGpu({ validation: false }));
  const results = [];
  for (const { name, stored: bound } of checkpoints) {
    const { prompt, logits } = readOracle(name);
    const opened = openModel(fixturePath(name));
    const model = await loadModel(ops, opened, { quant: 'stored', maxLength: 64 });
    opened.close();
    const actual = await forward(ops, model, newCache(ops, model, 'f32'), [{ row: 0, start: 0, ids: prompt }]);
    const error = relativeError(actual, logits);
    const ok = error <= bound;
    results.push({ name, error, bound, ok });
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}: ${error.toExponential(1)}`);
  }
  ops.destroy();
  return results;
}

/** Speed of one shape in each weight format, then the engine as the server runs it. */
async function speedsOf(name: string, bandwidth: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'dawnlight-random-'));
  try {
    let expected = 20_000;
    await stages.run(`${name} written`, async () => writeRandomCheckpoint(directory, shapes[name]), 30_000);
    for (const quant of ['int4', 'int8', 'none'] as const) {
      const start = performance.now();
      const batches = flags.batches.split(',').map(Number);
      const options = { quant, activations: 'f32' as const, bandwidth, rounds: Number(flags.rounds) };
      const measure = () => measureSpeed(directory, { ...options, batches, prefill: Number(flags.prefill) });
      const speed = await stages.run(`${name} ${quant}`, measure, expected);
      if (speed) console.log(JSON.stringify(speed));
      expected = Math.max(expected, performance.now() - start);
    }
    const engine = ['--model', directory, '--quant', 'int4', '--rounds', '3', '--tokens', '32', '--batches', '1,16'];
    await stages.run(`${name} engine`, () => runBench('engine', engine, stages.left()), expected);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function finish(): never {
  stages.save();
  const { kernels, models: exam } = stages.results as {
    kernels?: Awaited<ReturnType<typeof kernelTable>>;
    models?: Awaited<ReturnType<typeof models>>;
  };
  const wrong = (kernels?.failures.length ?? 1) + (exam?.filter((m) => !m.ok).length ?? 1) + stages.errors.length;
  const { results, errors, skipped } = stages;
  console.log(JSON.stringify({ bench: 'gpu', ...results, errors, skipped }));
  process.exit(wrong > 0 ? 1 : 0);
}

stages.results['vulkanDrivers'] = process.platform === 'linux' ? vulkanManifests() : null;
if (await stages.run('adapter', adapter)) {
  await stages.run('overheads', measureOverheads);
  await stages.run('kernels', kernelTable);
  await stages.run('models', models);
  const bandwidth = await stages.run('bandwidthGBs', readBandwidth);
  if (bandwidth !== undefined) {
    console.log(`read bandwidth ${bandwidth.toFixed(0)} GB/s`);
    for (const name of names) await speedsOf(name, bandwidth);
  }
  const products = [
    '--no-peers',
    '--shapes',
    '4096x4096,28672x4096,4096x14336',
    '--tokens',
    '1,16,512',
    '--rounds',
    '3',
  ];
  await stages.run('products', () => runBench('kernels', products, stages.left()), 30_000);
}
finish();
