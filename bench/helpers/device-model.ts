/** A model on a device without the engine: benches that look at logits or at raw speed drive it step by step. */
import type { Quantization } from '../../src/config.ts';
import { openGpu, type Gpu } from '../../src/gpu/device.ts';
import type { KVCache, KVDtype, StepBatch } from '../../src/kernels/ops.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import type { CausalLM } from '../../src/model/causal-lm.ts';
import { kvCacheSpec } from '../../src/model/cache-plan.ts';
import { openModel, type OpenModel } from '../../src/model/files/open-model.ts';
import { loadPlan } from '../../src/model/weights/load-weights.ts';
import { planWeights, type WeightPlan } from '../../src/model/weights/weight-plan.ts';

export interface DeviceModelOptions {
  readonly quant: Quantization;
  readonly activations: 'f32' | 'int8';
  readonly kvDtype: KVDtype;
  readonly rows: number;
  readonly maxLength: number;
  readonly preciseTimestamps?: boolean;
  readonly fusion?: boolean;
  /** On this device; else on one that is opened. */
  readonly gpu?: Gpu;
  /** Weights that `quant` does not say. */
  readonly plan?: (model: OpenModel) => WeightPlan;
  readonly deterministic?: boolean;
}

export interface DeviceModel {
  readonly ops: WebGPUOps;
  readonly model: CausalLM;
  readonly kv: KVCache;
  readonly adapter: string;
}

export async function openDeviceModel(path: string, options: DeviceModelOptions): Promise<DeviceModel> {
  const { preciseTimestamps = false, fusion = true, deterministic = false, quant } = options;
  const { plan = (model: OpenModel) => planWeights(model, quant) } = options;
  const gpu = options.gpu ?? (await openGpu({ validation: false, preciseTimestamps }));
  const ops = new WebGPUOps(gpu, { activations: options.activations, fusion, deterministic });
  const opened = openModel(path);
  const { maxLength, rows, kvDtype } = options;
  const model = await loadPlan(ops, opened, plan(opened), { maxLength });
  opened.close();
  const slots = rows * maxLength;
  const size = { slots, windowSlots: slots, dtype: kvDtype, maxRequests: rows, maxLength };
  const kv = ops.createKVCache(kvCacheSpec(model.caches, size));
  return { ops, model, kv, adapter: gpu.description };
}

/** A batch in which each sequence adds some tokens behind what its row already holds; slots are row · maxLength + position. */
export function batchOf(
  kv: KVCache,
  sequences: readonly { row: number; start: number; ids: readonly number[] }[],
  logits: 'last' | 'all',
): StepBatch {
  const tokenIds: number[] = [];
  const positions: number[] = [];
  const rows: number[] = [];
  const slots: number[] = [];
  const logitIndices: number[] = [];
  for (const { row, start, ids } of sequences) {
    ids.forEach((id, i) => {
      if (logits === 'all' || i === ids.length - 1) logitIndices.push(tokenIds.length);
      tokenIds.push(id);
      positions.push(start + i);
      rows.push(row);
      slots.push(row * kv.spec.maxLength + start + i);
    });
  }
  return {
    tokenIds: Uint32Array.from(tokenIds),
    positions: Uint32Array.from(positions),
    tableRows: Uint32Array.from(rows),
    slots: kv.spec.groups.map(() => Uint32Array.from(slots)),
    logitIndices: Uint32Array.from(logitIndices),
  };
}

/** Records one step over the sequences and hands it over; fulfilled with their greedy tokens on the host. */
export function recordGreedyStep(m: DeviceModel, sequences: Parameters<typeof batchOf>[1]): Promise<unknown> {
  const step = m.ops.beginStep(batchOf(m.kv, sequences, 'last'), m.kv);
  const ids = m.ops.read(m.ops.argmax(m.model.forward(m.ops, step, m.kv).logits!));
  m.ops.endStep();
  return ids;
}

/** The same, over when the tokens are there. */
export async function greedyStep(m: DeviceModel, sequences: Parameters<typeof batchOf>[1]): Promise<void> {
  await recordGreedyStep(m, sequences);
}
