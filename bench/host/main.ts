/** What the host does for a decode step, with and without recordings and fusion, in alternating steps on one device. */
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import type { RunBench } from '../helpers/declare.ts';
import { batchOf, openDeviceModel, type DeviceModel } from '../helpers/device-model.ts';
import { describeMachine, median } from '../helpers/machine.ts';
import { modelPath } from '../helpers/model.ts';
import { openNullGpu } from '../helpers/null-gpu.ts';
import type { spec } from './flags.ts';

interface StepTime {
  readonly hostMs: number;
  readonly stepMs: number;
  readonly dispatches: number;
}

/** One token of each of so many sequences, up to their greedy successors on the host. */
async function decode({ ops, model, kv }: DeviceModel, batch: number, position: number): Promise<StepTime> {
  const sequences = Array.from({ length: batch }, (_, row) => ({ row, start: position, ids: [100 + row] }));
  const stepBatch = batchOf(kv, sequences, 'last');
  const { recorder } = ops.context;
  const before = recorder.dispatches;
  const start = performance.now();
  const step = ops.beginStep(stepBatch, kv);
  const ids = ops.argmax(model.forward(ops, step, kv).logits!);
  ops.flush();
  const hostMs = performance.now() - start;
  const read = ops.read(ids);
  ops.endStep();
  await read;
  return { hostMs, stepMs: performance.now() - start, dispatches: recorder.dispatches - before };
}

export const run: RunBench<typeof spec> = async (flags) => {
  const { model, batches, context, rounds, quant, activations } = flags;
  const rows = Math.max(...batches);
  const path = await modelPath(model);
  const maxLength = context + rounds + 1;
  const on = flags.null ? { gpu: await openNullGpu() } : {};
  const again = await openDeviceModel(path, { quant, activations, kvDtype: 'f32', rows, maxLength, ...on });
  const { gpu } = again.ops.context;
  const recording = { ...again, ops: new WebGPUOps(gpu, { activations, replay: false }) };
  const opByOp = { ...again, ops: new WebGPUOps(gpu, { activations, fusion: false }) };
  const figures = [];
  for (const batch of batches) {
    const recorded: StepTime[] = [];
    const replayed: StepTime[] = [];
    const apart: StepTime[] = [];
    for (let round = 0; round <= rounds; round++) {
      recorded.push(await decode(recording, batch, context + round));
      replayed.push(await decode(again, batch, context + round));
      apart.push(await decode(opByOp, batch, context + round));
    }
    // The first of each compiles, and makes bind groups.
    const of = (times: StepTime[], field: keyof StepTime) => median(times.slice(1).map((time) => time[field]));
    const ratioTo = (others: StepTime[], field: keyof StepTime) =>
      median(replayed.slice(1).map((time, i) => time[field] / others[i + 1][field]));
    const row = {
      batch,
      dispatches: of(replayed, 'dispatches'),
      recordedMs: of(recorded, 'hostMs'),
      replayedMs: of(replayed, 'hostMs'),
      ratio: ratioTo(recorded, 'hostMs'),
      stepMs: of(replayed, 'stepMs'),
      opByOp: {
        ...{ dispatches: of(apart, 'dispatches'), replayedMs: of(apart, 'hostMs'), stepMs: of(apart, 'stepMs') },
        ...{ ratio: ratioTo(apart, 'hostMs'), stepRatio: ratioTo(apart, 'stepMs') },
      },
    };
    figures.push(row);
    const times = `recorded ${row.recordedMs.toFixed(3)} ms, run again ${row.replayedMs.toFixed(3)} ms`;
    console.log(`batch ${batch}: ${times} (${row.ratio.toFixed(2)}), of a step of ${row.stepMs.toFixed(1)} ms`);
    const { dispatches, ratio, stepRatio } = row.opByOp;
    const fused = `host ${ratio.toFixed(2)}, step ${stepRatio.toFixed(2)}`;
    console.log(`  ${row.dispatches} dispatches, op by op ${dispatches}: ${fused} of its time`);
  }
  again.ops.destroy();
  const machine = describeMachine(again.adapter);
  return {
    result: { machine, kernelSet: again.ops.context.kernelSet, model: path.split('/').at(-1), rounds, figures },
  };
};
