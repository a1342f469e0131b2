/** From a scheduled step to sampled tokens: builds the device's batch, runs the model, samples. */
import type { KVCache, Ops, Step, StepBatch } from '../kernels/ops.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { LogitsProcessor } from './logits-processors.ts';
import { sample } from './sampler.ts';
import type { ScheduledRequest, SchedulerOutput } from './scheduler-output.ts';
import type { SampledToken } from './types.ts';

/** What the engine core needs of whatever computes tokens: a model on a device, or a stand-in in tests. */
export interface ModelRunner {
  /** Even what the device could sample has to be sampled on the host: somebody wants to see the logits. */
  readonly samplesOnHost: boolean;
  /**
   * Hands the step to the device before it returns; the promise is fulfilled when the sampled tokens were read back:
   * one for each scheduled request whose `sample` is not 'none', in order.
   * Steps run in the order of the calls. Any failure means that the device's state is lost.
   */
  launch(output: SchedulerOutput): Promise<SampledToken[]>;
  close(): void;
}

/** The part of model/causal-lm.ts that a step needs. */
interface Forward {
  forward(ops: Ops, step: Step, kv: KVCache): Tensor;
}

export class DeviceModelRunner implements ModelRunner {
  readonly #ops: Ops;
  readonly #model: Forward;
  readonly #kv: KVCache;
  readonly #processors: readonly LogitsProcessor[];
  readonly samplesOnHost: boolean;

  constructor(ops: Ops, model: Forward, kv: KVCache, processors: readonly LogitsProcessor[], samplesOnHost = false) {
    this.samplesOnHost = samplesOnHost;
    this.#ops = ops;
    this.#model = model;
    this.#kv = kv;
    this.#processors = processors;
  }

  async launch({ scheduled, numTokens }: SchedulerOutput): Promise<SampledToken[]> {
    const ops = this.#ops;
    for (const { row, start, cachedSlots } of scheduled) {
      if (cachedSlots.length === 0) continue;
      ops.writeSlots(this.#kv, row, start - cachedSlots.length, Uint32Array.from(cachedSlots));
    }
    const step = ops.beginStep(buildBatch(scheduled, numTokens), this.#kv);
    const logits = this.#model.forward(ops, step, this.#kv);
    const sampled = sample(ops, step, logits, scheduled, this.#processors);
    ops.endStep();
    return sampled;
  }

  close(): void {
    this.#ops.destroy();
  }
}

/** Lays the requests' tokens one behind the other. */
export function buildBatch(scheduled: readonly ScheduledRequest[], numTokens: number): StepBatch {
  const batch = {
    tokenIds: new Uint32Array(numTokens),
    positions: new Uint32Array(numTokens),
    rows: new Uint32Array(numTokens),
    slots: new Uint32Array(numTokens),
  };
  const logitIndices: number[] = [];
  let t = 0;
  for (const { row, tokenIds, start, slots, sample } of scheduled) {
    batch.tokenIds.set(tokenIds, t);
    batch.slots.set(slots, t);
    batch.rows.fill(row, t, t + tokenIds.length);
    for (let i = 0; i < tokenIds.length; i++) batch.positions[t + i] = start + i;
    t += tokenIds.length;
    if (sample !== 'none') logitIndices.push(t - 1);
  }
  // A step inside prompts samples nothing, but reading one token back keeps the host from running ahead of the device.
  if (logitIndices.length === 0) logitIndices.push(numTokens - 1);
  return { ...batch, logitIndices: Uint32Array.from(logitIndices) };
}
