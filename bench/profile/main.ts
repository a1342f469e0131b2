/**
 * Where a step's time goes: for each kernel its time by the device's own timestamps, what it moved and computed meanwhile, and
 * its share of what this adapter can do; beside the unprofiled step.
 */
import { writeFileSync } from 'node:fs';
import { EngineError } from '../../src/errors.ts';
import { summarize, summaryLines } from '../../src/gpu/kernel-summary.ts';
import { byKernel, Profiler, type KernelTime } from '../../src/gpu/profiler.ts';
import { better, Calibrator } from '../../src/gpu/roofline.ts';
import { Trace } from '../../src/gpu/trace.ts';
import type { RunBench } from '../helpers/declare.ts';
import { openDeviceModel, recordGreedyStep } from '../helpers/device-model.ts';
import { describeMachine, median } from '../helpers/machine.ts';
import { modelPath } from '../helpers/model.ts';
import type { spec } from './flags.ts';

export const run: RunBench<typeof spec> = async (flags) => {
  const { batch, steps, prefill, quant, activations, fusion } = flags;
  const context = prefill === null ? flags.context : 0;
  const maxLength = Math.max(prefill ?? 0, context + 2 * steps + 8);
  const path = await modelPath(flags.model);
  const options = { quant, activations, fusion, kvDtype: 'f16', rows: batch, maxLength } as const;
  const m = await openDeviceModel(path, { ...options, preciseTimestamps: true });
  const { recorder, gpu } = m.ops.context;
  if (!gpu.hasTimestamps) throw new EngineError('no_adapter', `${m.adapter} has no timestamps`);

  let position = context;
  /** Milliseconds of the host: recording begins, it is handed over, the tokens are there. */
  async function step(): Promise<readonly [number, number, number]> {
    const ids = Array.from({ length: prefill ?? 1 }, (_, i) => 100 + ((i * 37) % 5000));
    const sequences = Array.from({ length: batch }, (_, row) => ({ row, start: position, ids }));
    if (prefill === null) position++;
    const begin = performance.now();
    const tokens = recordGreedyStep(m, sequences);
    const recorded = performance.now();
    await tokens;
    return [begin, recorded, performance.now()];
  }

  await step();
  const plain: number[] = [];
  for (let i = 0; i < steps; i++) {
    const [begin, , end] = await step();
    plain.push(end - begin);
  }
  const calibrator = new Calibrator(gpu);
  await calibrator.measure();
  let roofline = await calibrator.measure();
  const trace = new Trace();
  const profiler = (recorder.profiler = new Profiler(gpu.device));
  await step();
  await profiler.read();
  const rounds: KernelTime[][] = [];
  for (let i = 0; i < steps; i++) {
    const [begin, recorded, end] = await step();
    trace.host('record', begin, recorded);
    trace.host('wait', recorded, end);
    const read = await profiler.read();
    trace.device(read);
    rounds.push(byKernel(read.spans));
    // In every round, so that other work on the machine slows both.
    roofline = better(roofline, await calibrator.measure());
  }
  const rows = medians(rounds).map((row) => summarize(row, roofline));
  for (const line of summaryLines(rows)) console.log(line);
  console.log(`an unprofiled step takes ${median(plain).toFixed(3)} ms`);
  console.log(`roofline: ${roofline.gbs.toFixed(1)} GB/s, ${(2 * roofline.gmacs).toFixed(1)} GFLOP/s`);
  const shape = { batch, context, prefill, fusion };
  const about = { model: path.split('/').at(-1), adapter: m.adapter, ...shape, steps };
  if (flags.trace !== null) writeFileSync(flags.trace, JSON.stringify(trace.toJSON(roofline, about)));
  return { result: { machine: describeMachine(m.adapter), ...shape, stepMs: median(plain), roofline, rows } };
};

/** Of each kernel the median time over the rounds; longest first. */
function medians(rounds: readonly KernelTime[][]): KernelTime[] {
  const rows = rounds[0].map((row) => {
    const times = rounds.map((round) => round.find(({ name }) => name === row.name)?.milliseconds ?? 0);
    return { ...row, milliseconds: median(times) };
  });
  return rows.sort((a, b) => b.milliseconds - a.milliseconds);
}
