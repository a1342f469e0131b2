/**
 * Everything that can be said about one adapter in one run: the kernel table, the models against transformers' logits,
 * and speed at real shapes against the roofline. `npm run gpu` calls it; it needs no network and no weights.
 *   node .bench/bench/gpu/main.js [--out FILE] [--shapes smollm2-135m,llama-3.2-1b] [--prefill 512] [--batches 1,4,16,64]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
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
import { shapes, writeRandomCheckpoint } from './random-checkpoint.ts';
import { measureSpeed, type Speed } from './speed.ts';

const { values: flags } = parseArgs({
  options: {
    out: { type: 'string' },
    shapes: { type: 'string', default: 'smollm2-135m,llama-3.2-1b' },
    prefill: { type: 'string', default: '512' },
    batches: { type: 'string', default: '1,4,16,64' },
    rounds: { type: 'string', default: '5' },
  },
});

async function kernelTable(): Promise<{ passed: number; failures: string[] }> {
  let passed = 0;
  const failures: string[] = [];
  for await (const { name, ok, found, production } of runKernelTable()) {
    if (ok) passed++;
    else failures.push(`${name}: max ${found.maxAbs}, production ${production.maxAbs}`);
  }
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
    results.push({ name, error, bound, ok: error <= bound });
  }
  ops.destroy();
  return results;
}

async function speeds(bandwidth: number): Promise<Record<string, Speed[]>> {
  const results: Record<string, Speed[]> = {};
  for (const name of flags.shapes.split(',').filter(Boolean)) {
    const shape = shapes[name];
    if (!shape) throw new Error(`--shapes: ${name} is none of ${Object.keys(shapes).join(', ')}`);
    const directory = mkdtempSync(join(tmpdir(), 'dawnlight-random-'));
    writeRandomCheckpoint(directory, shape);
    results[name] = [];
    for (const quant of ['none', 'int8', 'int4'] as const) {
      const options = { quant, activations: 'f32' as const, bandwidth, rounds: Number(flags.rounds) };
      const batches = flags.batches.split(',').map(Number);
      const speed = await measureSpeed(directory, { ...options, batches, prefill: Number(flags.prefill) });
      results[name].push(speed);
      console.log(name, JSON.stringify(speed));
    }
    rmSync(directory, { recursive: true });
  }
  return results;
}

const probe = await openGpu({ validation: false });
const machine = describeMachine(probe.description);
const { kernelSet, hasF16, hasSubgroups } = probe;
probe.destroy();
console.log(machine.adapter, `kernels: ${kernelSet}`);
const kernels = await kernelTable();
console.log(`kernel table: ${kernels.passed} passed, ${kernels.failures.length} failed`);
for (const failure of kernels.failures) console.log(`  ${failure}`);
const exam = await models();
for (const { name, error, ok } of exam) console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}: ${error.toExponential(1)}`);
const bandwidth = await readBandwidth();
console.log(`read bandwidth ${bandwidth.toFixed(0)} GB/s`);
const result = {
  bench: 'gpu',
  machine,
  kernelSet,
  hasF16,
  hasSubgroups,
  kernels,
  models: exam,
  bandwidthGBs: bandwidth,
  speeds: await speeds(bandwidth),
};
if (flags.out) writeFileSync(flags.out, `${JSON.stringify(result, null, 1)}\n`);
console.log(JSON.stringify(result));
process.exit(kernels.failures.length + exam.filter((m) => !m.ok).length > 0 ? 1 : 0);
