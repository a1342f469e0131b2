/** From a scheduled step to sampled tokens: builds the device's batch, runs the model, samples. */
import { EngineError } from '../../errors.ts';
import type { HostTrace } from '../../gpu/trace.ts';
import {
  NO_ADAPTER,
  NO_TOKEN,
  type KVCache,
  type Ops,
  type SlotGroup,
  type StateRun,
  type Step,
  type StepBatch,
} from '../../kernels/ops.ts';
import { numel, type Tensor } from '../../tensor/tensor.ts';
import type { AdapterDevice } from '../adapters/adapter-device.ts';
import type { LoadedAdapter } from '../adapters/adapter-table.ts';
import type { LogitsProcessor } from './logits-processors.ts';
import { sampleOnHost } from './host-sampler.ts';
import { poolHiddenStates, scorePrompts, type StepModel } from './prompt-readers.ts';
import { sample } from './sampler.ts';
import { hasPenalties } from './sampling-row.ts';
import type { SamplingLimits } from './token-mask.ts';
import type { ScheduledRequest, SchedulerOutput } from '../scheduling/scheduler-output.ts';
import type { SampledToken } from '../core/types.ts';

/** What the engine core needs of whatever computes tokens: a model on a device, or a stand-in in tests. */
export interface ModelRunner {
  /** Sampling takes place on the host: somebody wants to see the logits. */
  readonly samplesOnHost: boolean;
  /** Null: the engine takes no adapters. */
  readonly adapters: AdapterDevice | null;
  /**
   * Steps run in the order of the calls. The promise is fulfilled when the sampled tokens were read back: one for each
   * scheduled request that samples, in order. What is read of prompts has then been given to the requests' own poolers
   * and scorers. Any failure means that the device's state is lost.
   */
  launch(output: SchedulerOutput): Promise<SampledToken[]>;
  /** For tests: what follows is as if it had happened by itself. */
  injectFault?(fault: DeviceFault): void;
  /** Where the parts of each step are noted down (--profile). */
  readonly trace?: HostTrace;
  close(): void | Promise<void>;
}

/** 'nan_logits': the next step's logits are NaN. */
export type DeviceFault = 'device_lost' | 'out_of_memory' | 'nan_logits';

/** A step that is recorded and handed over. */
interface Recorded {
  readonly sampled: Promise<SampledToken[]>;
}

export class DeviceModelRunner implements ModelRunner {
  readonly #ops: Ops;
  readonly #model: StepModel;
  readonly #kv: KVCache;
  readonly #limits: SamplingLimits;
  readonly #processors: readonly LogitsProcessor[];
  readonly samplesOnHost: boolean;
  readonly adapters: AdapterDevice | null;
  /** Of a step whose recording waits for grammars: fulfilled when it was recorded to its end. */
  #recording: Promise<Recorded> | null = null;
  #spoilsNext = false;
  readonly #ends: (() => void)[] = [];
  /** Fulfilled when the tokens of the last launched step were read, and its grammars went on behind them. */
  #accepted: Promise<unknown> = Promise.resolve();

  constructor(
    ops: Ops,
    model: StepModel,
    kv: KVCache,
    limits: SamplingLimits,
    processors: readonly LogitsProcessor[],
    adapters: AdapterDevice | null = null,
  ) {
    this.adapters = adapters;
    this.samplesOnHost = processors.length > 0;
    this.#ops = ops;
    this.#model = model;
    this.#kv = kv;
    this.#limits = limits;
    this.#processors = processors;
  }

  async launch(output: SchedulerOutput): Promise<SampledToken[]> {
    while (this.#recording) await this.#recording;
    const rows = output.scheduled.filter((entry) => entry.samples);
    const record = this.#forward(output, rows);
    let recorded: Recorded;
    if (rows.every(({ request }) => request.constraint === null)) {
      recorded = record(rows.map(() => null));
    } else {
      // The device computes the logits while the tokens of the step before are read and the masks are made.
      this.#ops.flush();
      const masks = this.#accepted.then(() =>
        Promise.all(rows.map(async ({ request }) => request.constraint?.mask() ?? null)),
      );
      this.#recording = masks.then(record);
      recorded = await this.#recording;
      this.#recording = null;
    }
    const sampled = recorded.sampled.then((tokens) => {
      rows.forEach(({ request }, i) => {
        if (tokens[i].id !== NO_TOKEN) request.constraint?.accept(tokens[i].id);
      });
      return tokens;
    });
    this.#accepted = sampled;
    return sampled;
  }

  /** Records the model; what it returns records the rest of the step, given the tokens that each row's grammar allows. */
  #forward(
    { scheduled, numTokens }: SchedulerOutput,
    rows: readonly ScheduledRequest[],
  ): (grammars: (Uint32Array | null)[]) => Recorded {
    const ops = this.#ops;
    const { groups } = this.#kv.spec;
    for (const { request, tableRow, start, cachedSlots, cachedWindowSlots, isNewInRow } of scheduled) {
      if (cachedSlots.length > 0) {
        groups.forEach(({ window }, group) => {
          const taken = window === null ? cachedSlots : cachedWindowSlots;
          ops.writeSlots(this.#kv, group, tableRow, start - taken.length, Uint32Array.from(taken));
        });
      }
      if (isNewInRow && hasPenalties(request.params)) {
        ops.writeTokens(this.#kv, tableRow, Uint32Array.from(request.tokenIds));
      }
    }
    const batch = buildBatch(scheduled, numTokens, groups, this.#model.dynamicRotary);
    const step = ops.beginStep(batch, this.#kv);
    const { x, logits: computed } = this.#model.forward(ops, step, this.#kv);
    const logits = computed && this.#spoiled(computed);
    return (grammars) => {
      const sampled = logits === null ? [] : this.#sample(step, logits, rows, grammars);
      const prompts = [
        scorePrompts(ops, step, this.#model, x, scheduled),
        poolHiddenStates(ops, this.#model, x, scheduled),
      ];
      ops.endStep();
      return { sampled: Promise.all([sampled, ...prompts]).then(([tokens]) => tokens) };
    };
  }

  /** The logits, or those of an injected fault. */
  #spoiled(logits: Tensor): Tensor {
    if (!this.#spoilsNext) return logits;
    this.#spoilsNext = false;
    return this.#ops.uploadF32(new Float32Array(numel(logits.shape)).fill(NaN), logits.shape);
  }

  #sample(
    step: Step,
    logits: Tensor,
    rows: readonly ScheduledRequest[],
    grammars: (Uint32Array | null)[],
  ): Promise<SampledToken[]> {
    const ops = this.#ops;
    return this.samplesOnHost
      ? sampleOnHost(ops, logits, rows, grammars, this.#limits, this.#processors)
      : sample(ops, step, logits, rows, grammars, this.#limits);
  }

  injectFault(fault: DeviceFault): void {
    if (fault === 'nan_logits') this.#spoilsNext = true;
    else this.#ops.injectFault?.(fault);
  }

  /** Something of this engine's that ends with it. */
  onClose(end: () => void): void {
    this.#ends.push(end);
  }

  close(): void {
    for (const end of this.#ends) end();
    this.#ops.destroy();
  }
}

/** Lays the requests' tokens one behind the other. */
export function buildBatch(
  scheduled: readonly ScheduledRequest[],
  numTokens: number,
  groups: readonly SlotGroup[],
  dynamicRotary: StepModel['dynamicRotary'] = null,
): StepBatch {
  const lengths = new Uint32Array(numTokens);
  const batch = {
    tokenIds: new Uint32Array(numTokens),
    positions: new Uint32Array(numTokens),
    tableRows: new Uint32Array(numTokens),
    slots: groups.map(() => new Uint32Array(numTokens)),
  };
  const adapters = scheduled.some(({ request }) => request.adapter)
    ? new Uint32Array(numTokens).fill(NO_ADAPTER)
    : undefined;
  const logitIndices: number[] = [];
  const promptIndices: number[] = [];
  const stateRuns: StateRun[] = [];
  let t = 0;
  for (const { request, tableRow, tokenIds, start, slots, windowSlots, state, samples, readsPrompt } of scheduled) {
    if (state) stateRuns.push({ first: t, count: tokenIds.length, ...state });
    batch.tokenIds.set(tokenIds, t);
    groups.forEach(({ window }, group) => batch.slots[group].set(window === null ? slots : windowSlots, t));
    batch.tableRows.fill(tableRow, t, t + tokenIds.length);
    if (request.adapter) adapters?.fill(slotOf(request.adapter), t, t + tokenIds.length);
    for (let i = 0; i < tokenIds.length; i++) {
      batch.positions[t + i] = start + i;
      lengths[t + i] = Math.max(request.promptLength, start + i + 1);
    }
    if (readsPrompt) for (let i = 0; i < tokenIds.length; i++) promptIndices.push(t + i);
    t += tokenIds.length;
    if (samples) logitIndices.push(t - 1);
  }
  // A step inside prompts samples nothing, but reading one token back keeps the host from running ahead of the device.
  if (logitIndices.length === 0 && !scheduled.some(isRead)) logitIndices.push(numTokens - 1);
  const lists = { logitIndices: Uint32Array.from(logitIndices), promptIndices: Uint32Array.from(promptIndices) };
  const rest = { ...lists, stateRuns, ...(adapters && { adapters }) };
  return { ...batch, ...rest, ...(dynamicRotary && { rotaryRows: dynamicRotary.rows(batch.positions, lengths) }) };
}

/** It is pinned while the request runs. */
function slotOf({ slot, isWritten }: LoadedAdapter): number {
  if (slot !== null && isWritten) return slot;
  throw new EngineError('internal_error', 'a request was scheduled whose adapter is not on the device');
}

function isRead({ request, readsPrompt }: ScheduledRequest): boolean {
  return readsPrompt || request.pooler !== null;
}
