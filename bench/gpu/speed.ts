/** Prefill and decode speed of one checkpoint on the device, against the roofline of reading its weights once a step. */
import type { Quantization } from '../../src/config.ts';
import { matrixBytes } from '../../src/tensor/matrix.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { leavesOf } from '../../src/model/weights/spec.ts';
import { planWeights, type PlannedLeaf } from '../../src/model/weights/weight-plan.ts';
import { planBytes } from '../../src/model/weights/memory-plan.ts';
import { greedyStep, openDeviceModel } from '../helpers/device-model.ts';
import { median } from '../helpers/machine.ts';

export interface SpeedOptions {
  readonly quant: Quantization;
  readonly activations: 'f32' | 'int8';
  readonly batches: readonly number[];
  readonly prefill: number;
  readonly rounds: number;
  /** Measured read bandwidth in GB/s. */
  readonly bandwidth: number;
  /** Is told what is known, each time that it is more. */
  readonly onProgress: (speed: Speed) => void;
}

export interface Speed {
  readonly quant: Quantization;
  readonly activations: string;
  readonly weightBytes: number;
  readonly loadMs: number;
  readonly prefillTokensPerSecond: number;
  /** `share`: of the batch's roofline, bandwidth / weight bytes steps a second. */
  readonly decode: { batch: number; tokensPerSecond: number; share: number }[];
}

/** Tokens that each sequence holds before decode is timed. */
const CONTEXT = 128;

export async function measureSpeed(path: string, o: SpeedOptions): Promise<void> {
  const weightBytes = bytesReadPerStep(path, o.quant);
  const start = performance.now();
  const rows = Math.max(...o.batches);
  const maxLength = Math.max(o.prefill, CONTEXT + 64);
  const m = await openDeviceModel(path, { ...o, kvDtype: 'f16', rows, maxLength });
  const loadMs = performance.now() - start;
  const prompt = Array.from({ length: o.prefill }, (_, i) => 100 + ((i * 37) % 5000));
  const prefill = await timed(o.rounds, () => greedyStep(m, [{ row: 0, start: 0, ids: prompt }]));
  const known: Speed = {
    quant: o.quant,
    activations: o.activations,
    weightBytes,
    loadMs: Math.round(loadMs),
    prefillTokensPerSecond: (o.prefill / prefill) * 1000,
    decode: [],
  };
  o.onProgress(known);
  for (const batch of o.batches) {
    let position = CONTEXT;
    const ms = await timed(o.rounds * 4, () => {
      position++;
      return greedyStep(
        m,
        Array.from({ length: batch }, (_, row) => ({ row, start: position, ids: [100 + row] })),
      );
    });
    const share = weightBytes / 1e6 / ms / o.bandwidth;
    known.decode.push({ batch, tokensPerSecond: (batch / ms) * 1000, share });
    o.onProgress(known);
  }
  m.ops.destroy();
}

/** All weights but an untied embedding, of which only single rows are read. */
function bytesReadPerStep(path: string, quant: Quantization): number {
  const opened = openModel(path);
  const plan = planWeights(opened, quant);
  opened.close();
  const tables = leavesOf<PlannedLeaf>(plan.weights).filter((leaf) => leaf.kind === 'table');
  const lookedUp = tables.some(({ isHead }) => isHead) ? tables.filter(({ isHead }) => !isHead) : [];
  return planBytes(plan).total - lookedUp.reduce((n, { matrix }) => n + matrixBytes(matrix), 0);
}

/** Median milliseconds of a call, after one that compiles. */
async function timed(rounds: number, call: () => Promise<void>): Promise<number> {
  await call();
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await call();
    times.push(performance.now() - start);
  }
  return median(times);
}
