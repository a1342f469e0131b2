/**
 * The engine without threads and without text: requests in, steps, token events out. `step` is the plain loop, in which
 * each step is over before the next is scheduled. `stepOverlapped` launches step k+1 before step k's tokens are read:
 * the device feeds itself with the tokens it sampled (StepBatch.tokenIds), the host reads them while it already works on
 * the next step, and notices the end of a request one step late. Both give the same tokens.
 */
import type { EngineConfig } from '../../config.ts';
import { EngineError } from '../../errors.ts';
import type { HostAdapter } from '../adapters/adapter-device.ts';
import { AdapterTable, type LoadedAdapter } from '../adapters/adapter-table.ts';
import type { Constraint } from '../grammar/constraint.ts';
import { KVCacheManager } from '../cache/kv-cache-manager.ts';
import type { EngineEvent, StepReport } from '../client/messages.ts';
import type { DeviceFault, ModelRunner } from '../running/model-runner.ts';
import type { AdmissionPolicy } from '../scheduling/policies/policy.ts';
import { policies } from '../scheduling/policies/registry.ts';
import { outputEvent, refusal } from './reports.ts';
import { EngineRequest, type EngineRequestInit } from './engine-request.ts';
import type { SchedulerOutput } from '../scheduling/scheduler-output.ts';
import { Scheduler } from '../scheduling/scheduler.ts';
import { stepBudget } from '../scheduling/step-budget.ts';
import { StepClock } from './step-clock.ts';
import type { EngineInfo, EngineStats, SampledToken } from './types.ts';
import { validateRequest } from './validate-request.ts';

export interface EngineCoreOptions {
  readonly config: EngineConfig;
  readonly info: EngineInfo;
  readonly runner: ModelRunner;
  /** Instead of the one that `config.schedulerPolicy` names. */
  readonly policy?: AdmissionPolicy;
  /** Recounts all slots after every step (tests). */
  readonly checkInvariants?: boolean;
  /** Milliseconds; steps are timed by it. Tests have a clock of their own. */
  readonly now?: () => number;
}

interface StepResult {
  readonly events: readonly EngineEvent[];
  readonly report: StepReport;
}

/** A step on the device whose tokens were not read yet. */
interface LaunchedStep {
  readonly output: SchedulerOutput;
  readonly sampled: Promise<SampledToken[]>;
  /** Milliseconds of the clock. */
  readonly launchedAt: number;
}

export class EngineCore {
  readonly info: EngineInfo;
  readonly scheduler: Scheduler;
  readonly #runner: ModelRunner;
  readonly #adapters: AdapterTable | null;
  /** Longest prompt + output of one request. */
  readonly #maxLength: number;
  readonly #overlap: boolean;
  readonly #checkInvariants: boolean;
  /** Every request that has not sent its last event. */
  readonly #requests = new Map<string, EngineRequest>();
  readonly #aborts = new Set<string>();
  readonly #clock: StepClock;
  readonly #now: () => number;
  /** When the last step's tokens were read. */
  #doneAt = 0;
  #launched: LaunchedStep | null = null;

  constructor({ config, info, runner, policy, checkInvariants = false, now }: EngineCoreOptions) {
    this.info = info;
    this.#now = now ?? (() => performance.now());
    this.#runner = runner;
    this.#clock = new StepClock(runner.trace);
    this.#overlap = config.overlap;
    this.#checkInvariants = checkInvariants;
    const kv = new KVCacheManager(info.maxTotalTokenNum, {
      prefixCache: !config.disableDynamicPromptCache,
      window: info.window ?? null,
      states: info.states ? { requests: config.runningMaxReqSize, ...info.states } : null,
    });
    this.#adapters = runner.adapters && new AdapterTable(runner.adapters, (id) => kv.forgetAdapter(id));
    this.#maxLength = Math.min(info.maxModelLen, info.maxTotalTokenNum);
    const { samplesOnHost } = runner;
    const { eosTokenIds, promptRows } = info;
    const limits = { maxLength: this.#maxLength, eosTokenIds, promptRows, samplesOnHost };
    const { batchMaxTokens, chunkedPrefillSize } = stepBudget(config, info.kernelSet);
    const budget = { batchMaxTokens: info.batchMaxTokens ?? batchMaxTokens, chunkedPrefillSize };
    this.scheduler = new Scheduler(
      { ...config, ...budget, ...limits },
      kv,
      policy ?? policies[config.schedulerPolicy].create(),
      this.#adapters,
    );
  }

  /**
   * Accepts a request for the next step. When this throws, constraint and adapter are the caller's still.
   * @param constraint opened from its parameters; it is closed when the request ends
   * @param adapter what `useAdapter` gave for it, where that was asked before; it is released when the request ends
   * @throws EngineError queue_full, context_length_exceeded, invalid_value, model_not_found
   */
  add(init: EngineRequestInit, constraint: Constraint | null = null, adapter?: LoadedAdapter | null): void {
    validateRequest(init, this.info);
    if (this.#requests.has(init.id)) throw new EngineError('invalid_value', `request id ${init.id} is in use`);
    const sharesPrefix = init.promptIds.length <= (this.info.sharedPromptLimit ?? Infinity);
    this.checkQueue(init);
    const used = adapter === undefined ? this.useAdapter(init) : adapter;
    const request = new EngineRequest(init, this.#maxLength, constraint, sharesPrefix, used);
    this.scheduler.add(request);
    this.#requests.set(request.id, request);
  }

  /** Reads an adapter, for requests that name it by its id. @throws EngineError for anything wrong with its files */
  loadAdapter(id: number, path: string): Promise<HostAdapter> {
    return this.#adapterTable().load(id, path);
  }

  /**
   * The adapter of a request that is to be added later: it stays until the request has ended, or until `releaseAdapter`.
   * @throws EngineError model_not_found
   */
  useAdapter({ adapter }: EngineRequestInit): LoadedAdapter | null {
    return adapter === undefined ? null : this.#adapterTable().use(adapter);
  }

  /** The request came to nothing. */
  releaseAdapter(adapter: LoadedAdapter): void {
    this.#adapters?.release(adapter);
  }

  /** Requests that use it end as they would; then it is gone. */
  unloadAdapter(id: number): void {
    this.#adapters?.unload(id);
  }

  #adapterTable(): AdapterTable {
    if (this.#adapters) return this.#adapters;
    throw new EngineError('invalid_request', 'The engine was started without room for adapters (--enable_lora).');
  }

  /** @param more requests beside those that wait here. @throws EngineError queue_full, unless it was accepted before */
  checkQueue({ outputIds }: EngineRequestInit, more = 0): void {
    if (outputIds === undefined) this.scheduler.checkQueue(more);
  }

  /** The request ends with 'abort' at the next step; unknown and finished ids are ignored, since an end may cross an abort. */
  abort(requestId: string): void {
    if (this.#requests.has(requestId)) this.#aborts.add(requestId);
  }

  hasWork(): boolean {
    return this.scheduler.hasWork() || this.#requests.size > 0 || this.#launched !== null;
  }

  step(): Promise<StepResult> {
    return this.#overlap ? this.stepOverlapped() : this.stepPlain();
  }

  async stepPlain(): Promise<StepResult> {
    this.#clock.start();
    const ended = this.#takeAborts();
    const output = this.#clock.time('scheduleTime', () => this.scheduler.schedule());
    const launched = this.#clock.time('launchTime', () => this.#launch(output));
    const sampled = await this.#clock.wait(launched?.sampled);
    const touched = this.#clock.time('updateTime', () => this.#update(launched, sampled));
    if (!launched) await this.#awaitAdapters();
    return this.#emit(output, [...ended, ...touched]);
  }

  async stepOverlapped(): Promise<StepResult> {
    this.#clock.start();
    const ended = this.#takeAborts();
    const output = this.#clock.time('scheduleTime', () => this.scheduler.schedule());
    const previous = this.#launched;
    this.#launched = this.#clock.time('launchTime', () => this.#launch(output));
    const sampled = await this.#clock.wait(previous?.sampled);
    const touched = this.#clock.time('updateTime', () => this.#update(previous, sampled));
    if (!previous && !this.#launched) await this.#awaitAdapters();
    return this.#emit(output, [...ended, ...touched]);
  }

  /** Empties the prefix cache, except for what running requests hold. */
  flushCache(): void {
    this.scheduler.kv.flush();
  }

  injectFault(fault: DeviceFault): void {
    this.#runner.injectFault?.(fault);
  }

  stats(): EngineStats {
    const { running, waiting, paused, kv } = this.scheduler;
    return {
      running: running.length,
      waiting: waiting.length,
      paused: paused.length,
      totalSlots: kv.pool.size,
      freeSlots: kv.pool.free,
      cachedSlots: kv.radix?.evictable ?? 0,
    };
  }

  /** Frees the device. Nothing may be called afterwards. */
  close(): void | Promise<void> {
    return this.#runner.close();
  }

  /** With nothing to compute meanwhile: requests wait for what is on its way to the device. */
  async #awaitAdapters(): Promise<void> {
    if (this.#adapters?.isWriting) await this.#clock.wait(this.#adapters.written());
  }

  #takeAborts(): EngineRequest[] {
    const aborted = [...this.#aborts].flatMap((id) => this.#requests.get(id) ?? []);
    this.#aborts.clear();
    for (const request of aborted) this.scheduler.finish(request, 'abort');
    return aborted;
  }

  #launch(output: SchedulerOutput): LaunchedStep | null {
    if (output.scheduled.length === 0) return null;
    const launchedAt = this.#now();
    const sampled = this.#runner.launch(output);
    // A failure is met where the tokens are awaited, maybe a step later: not an unhandled rejection until then.
    sampled.catch(() => undefined);
    return { output, sampled, launchedAt };
  }

  /** @returns the requests that the step sampled for */
  #update(step: LaunchedStep | null, sampled: SampledToken[] | undefined): EngineRequest[] {
    if (!step || !sampled) return [];
    // The device begins with a step when it has done the one before.
    const begun = Math.max(step.launchedAt, this.#doneAt);
    this.#doneAt = this.#now();
    this.scheduler.update(step.output, sampled, this.#doneAt - begun);
    return step.output.scheduled.map(({ request }) => request);
  }

  #emit(output: SchedulerOutput, touched: readonly EngineRequest[]): StepResult {
    if (this.#checkInvariants) this.scheduler.kv.check(this.scheduler.running);
    const events: EngineEvent[] = output.expired.map(refusal);
    for (const request of touched) {
      // A request that ended may be listed twice: by its abort, and by the step that was on its way.
      if (!this.#requests.has(request.id)) continue;
      const event = outputEvent(request);
      if (event) events.push(event);
      if (request.status === 'finished') this.#forget(request);
    }
    for (const request of output.expired) this.#forget(request);
    return { events, report: this.#clock.report(output, this.stats()) };
  }

  #forget(request: EngineRequest): void {
    request.constraint?.close();
    if (request.adapter) this.#adapters?.release(request.adapter);
    this.#requests.delete(request.id);
  }
}
