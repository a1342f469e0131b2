/**
 * Where a step's time goes: milliseconds and dispatches of each kernel, by the device's own timestamps, beside the
 * unprofiled step.
 */
import { Profiler, type KernelTime } from '../../src/gpu/profiler.ts';
import type { RunBench } from '../helpers/declare.ts';
import { greedyStep, openDeviceModel } from '../helpers/device-model.ts';
import { describeMachine, median } from '../helpers/machine.ts';
import { modelPath } from '../helpers/model.ts';
import type { spec } from './flags.ts';

export const run: RunBench<typeof spec> = async (flags) => {
  const { batch, steps, prefill, quant, activations } = flags;
  const context = prefill === null ? flags.context : 0;
  const maxLength = Math.max(prefill ?? 0, context + 2 * steps + 8);
  const path = await modelPath(flags.model);
  const m = await openDeviceModel(path, { quant, activations, kvDtype: 'f16', rows: batch, maxLength });

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
  return { result: { machine: describeMachine(m.adapter), ...shape, stepMs: median(plain), rows } };
};
