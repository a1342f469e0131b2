/**
 * Where a step's time goes: milliseconds and dispatches of each kernel, by the device's own timestamps, beside the
 * unprofiled step.
 *   npm run bench -- profile --model FILE.gguf [--batch N] [--context N] [--prefill N] [--steps N]
 * `--prefill N` times one prompt of N tokens; otherwise one decode step of N sequences with that context.
 */
import { parseArgs } from 'node:util';
import { Profiler, type KernelTime } from '../../src/gpu/profiler.ts';
import { greedyStep, openDeviceModel } from '../helpers/device-model.ts';
import { describeMachine, median } from '../helpers/machine.ts';

const { values: flags } = parseArgs({
  options: {
    model: { type: 'string' },
    batch: { type: 'string', default: '1' },
    context: { type: 'string', default: '128' },
    prefill: { type: 'string' },
    steps: { type: 'string', default: '12' },
    quant: { type: 'string', default: 'stored' },
    activations: { type: 'string', default: 'int8' },
  },
});
if (!flags.model) throw new Error('--model DIR_OR_GGUF is needed');
const batch = Number(flags.batch);
const steps = Number(flags.steps);
const prefill = flags.prefill === undefined ? null : Number(flags.prefill);
const context = prefill === null ? Number(flags.context) : 0;
const maxLength = Math.max(prefill ?? 0, context + 2 * steps + 8);
const activations = flags.activations as 'int8' | 'f32';
const quant = flags.quant as 'stored';
const m = await openDeviceModel(flags.model, { quant, activations, kvDtype: 'f16', rows: batch, maxLength });

let position = context;
/** Milliseconds from recording to the tokens. */
async function step(): Promise<number> {
  const ids = Array.from({ length: prefill ?? 1 }, (_, i) => 100 + ((i * 37) % 5000));
  const sequences = Array.from({ length: batch }, (_, row) => ({ row, start: position, ids }));
  if (prefill === null) position++;
  const begin = performance.now();
  await greedyStep(m, sequences);
  return performance.now() - begin;
}

await step();
const plain: number[] = [];
for (let i = 0; i < steps; i++) plain.push(await step());
const { recorder, gpu } = m.ops.context;
const profiler = (recorder.profiler = new Profiler(gpu.device));
await step();
await profiler.collect();
const rounds: KernelTime[][] = [];
for (let i = 0; i < steps; i++) {
  await step();
  rounds.push(await profiler.collect());
}
const rows = rounds[0].map(({ name, dispatches }) => {
  const times = rounds.map((round) => round.find((row) => row.name === name)?.milliseconds ?? 0);
  return { name, dispatches, milliseconds: median(times) };
});
rows.sort((a, b) => b.milliseconds - a.milliseconds);
for (const { name, dispatches, milliseconds } of rows) {
  console.log(`${milliseconds.toFixed(3).padStart(10)} ms ${String(dispatches).padStart(5)}  ${name}`);
}
const sum = rows.reduce((total, row) => total + row.milliseconds, 0);
console.log(`${sum.toFixed(3).padStart(10)} ms in kernels; an unprofiled step takes ${median(plain).toFixed(3)} ms`);
const shape = { batch, context, prefill };
console.log(
  JSON.stringify({ bench: 'profile', machine: describeMachine(m.adapter), ...shape, stepMs: median(plain), rows }),
);
process.exit(0);
