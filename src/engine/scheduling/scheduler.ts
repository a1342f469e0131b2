/**
 * Continuous batching: before every step, which requests compute which of their tokens. One token budget holds both
 * decoding (one token each, always first, so that a long prompt never stalls a running answer) and chunks of prompts, which
 * shrink where they would take most of the time (step-pacer.ts).
 *
 * Order: requests are served by arrival; those that were paused come before those that never ran; nobody overtakes but
 * those that wait for their adapter (candidates.ts).
 * When slots run out the newest running request is paused: its computed tokens stay in the prefix cache as long as there
 * is room, it resumes from what is left, and its output is the same as if nothing had happened.
 */
import type { EngineConfig } from '../../config.ts';
import { EngineError } from '../../errors.ts';
import { LAST_TOKEN_FLAG } from '../../kernels/ops.ts';
import type { AdapterTable } from '../adapters/adapter-table.ts';
import { Admission } from './admission.ts';
import { Candidates } from './candidates.ts';
import type { KVCacheManager } from '../cache/kv-cache-manager.ts';
import type { AdmissionPolicy } from './policies/policy.ts';
import { insertByArrival, remove } from '../core/request-list.ts';
import type { EngineRequest } from '../core/engine-request.ts';
import type { ScheduledRequest, SchedulerOutput } from './scheduler-output.ts';
import { tokensInStep, type StepBudget } from './step-budget.ts';
import { StepPacer } from './step-pacer.ts';
import { finishReason } from '../core/stop-conditions.ts';
import type { FinishReason, SampledToken } from '../core/types.ts';

type SchedulerConfig = Pick<
  EngineConfig,
  'runningMaxReqSize' | 'maxQueuedRequests' | 'disableChunkedPrefill' | 'decodeShare'
> &
  StepBudget & {
    /** Longest prompt + output of a request; at most the number of slots. */
    readonly maxLength: number;
    readonly eosTokenIds: readonly number[];
    /** Rows of logits that a step may have to score prompts; default MAX_PROMPT_ROWS. */
    readonly promptRows?: number | undefined;
    /** Tokens are known to the host only, as custom processors pick them. */
    readonly samplesOnHost: boolean;
  };

/**
 * Rows of logits that a step may compute to score prompts, besides one for each running request: they are a whole
 * vocabulary wide. Prompts that are scored are cut into chunks of so many tokens at most.
 */
export const MAX_PROMPT_ROWS = 64;

/** A step under construction. */
interface Plan {
  budget: number;
  /** Tokens of prompts left. */
  prefill: number;
  /** Rows of logits left for scoring prompts. */
  promptRows: number;
  readonly scheduled: ScheduledRequest[];
  readonly planned: Set<EngineRequest>;
  readonly admitted: EngineRequest[];
  readonly paused: EngineRequest[];
}

export class Scheduler {
  /** Oldest first, all three. */
  readonly waiting: EngineRequest[] = [];
  readonly running: EngineRequest[] = [];
  readonly paused: EngineRequest[] = [];
  readonly kv: KVCacheManager;
  readonly policy: AdmissionPolicy;
  /** Null: there are none. */
  readonly #adapters: AdapterTable | null;
  readonly #config: SchedulerConfig;
  readonly #budget: number;
  readonly #chunk: number;
  readonly #freeRows: number[];
  readonly #pacer: StepPacer;
  #arrivals = 0;

  /** @throws EngineError bad_flag when a step could not hold one token of every running request */
  constructor(
    config: SchedulerConfig,
    kv: KVCacheManager,
    policy: AdmissionPolicy,
    adapters: AdapterTable | null = null,
  ) {
    const { batchMaxTokens, runningMaxReqSize, maxLength } = config;
    if (batchMaxTokens < runningMaxReqSize) {
      throw new EngineError(
        'bad_flag',
        `--batch_max_tokens (${batchMaxTokens}) must be at least --running_max_req_size (${runningMaxReqSize}): every running request decodes one token a step`,
        { param: 'batch_max_tokens' },
      );
    }
    this.#config = config;
    const whole = config.disableChunkedPrefill;
    this.#budget = tokensInStep(config, batchMaxTokens, maxLength);
    this.#chunk = whole ? Infinity : config.chunkedPrefillSize;
    // A prompt that comes whole takes the time it takes.
    this.#pacer = new StepPacer(whole ? 0 : config.decodeShare);
    this.kv = kv;
    this.policy = policy;
    this.#adapters = adapters;
    this.#freeRows = Array.from({ length: runningMaxReqSize }, (_, i) => runningMaxReqSize - 1 - i);
  }

  /**
   * Whether one more may come. Only those that wait for a row count: a row that is free is theirs who wait already, paused
   * ones included.
   * @param more requests that wait elsewhere
   * @throws EngineError queue_full
   */
  checkQueue(more: number): void {
    const queued = this.waiting.length + this.paused.length + more - this.#freeRows.length;
    if (queued < this.#config.maxQueuedRequests) return;
    throw new EngineError(
      'queue_full',
      `The engine is busy: ${this.running.length} requests run and ${Math.max(0, queued)} are waiting. Try again later.`,
    );
  }

  add(request: EngineRequest): void {
    request.arrivalIndex = this.#arrivals++;
    this.waiting.push(request);
  }

  hasWork(): boolean {
    return this.waiting.length + this.running.length + this.paused.length > 0;
  }

  /** Decides the next step. It has to be executed: the slots and the prefix cache already count on it. */
  schedule(): SchedulerOutput {
    const expired = this.#dropExpired();
    this.kv.beginStep();
    const plan: Plan = {
      budget: this.#budget,
      prefill: Infinity,
      promptRows: this.#config.promptRows ?? MAX_PROMPT_ROWS,
      scheduled: [],
      planned: new Set(),
      admitted: [],
      paused: [],
    };
    this.#scheduleRunning(plan, (request) => !request.isPrefilling);
    const numDecodeTokens = plan.scheduled.length;
    if (numDecodeTokens > 0) plan.prefill = this.#pacer.prefillTokens;
    this.#scheduleRunning(plan, (request) => request.isPrefilling);
    if (plan.paused.length === 0) this.#admit(plan);
    const { scheduled, admitted, paused } = plan;
    return { scheduled, numTokens: this.#budget - plan.budget, numDecodeTokens, admitted, paused, expired };
  }

  /**
   * Books the tokens that a step sampled, and ends the requests that are done.
   * @param milliseconds that the device took for the step
   */
  update(step: SchedulerOutput, sampled: readonly SampledToken[], milliseconds: number): void {
    const { scheduled, numTokens, numDecodeTokens } = step;
    this.#pacer.observe(numTokens - numDecodeTokens, numDecodeTokens, milliseconds);
    for (const { request, endsPooling } of scheduled) {
      if (endsPooling && request.status !== 'finished') this.finish(request, request.error ? 'error' : 'stop');
    }
    const sampling = scheduled.filter((entry) => entry.samples);
    sampling.forEach(({ request }, i) => {
      request.inFlight--;
      // Ended while the step ran: aborted, or (overlapped loop) by the token before, which makes this one surplus.
      if (request.status === 'finished') return;
      request.append(sampled[i]);
      const reason = finishReason(request, this.#config.eosTokenIds);
      if (reason) this.finish(request, reason);
      // What made the logits NaN may be in cached keys and values.
      if (request.isSpoiled) this.kv.flush();
    });
  }

  /** Takes a request out, wherever it stands, and gives its slots and its row back. */
  finish(request: EngineRequest, reason: FinishReason): void {
    if (request.status === 'running') this.#leaveRunning(request);
    else remove(request.status === 'paused' ? this.paused : this.waiting, request);
    request.status = 'finished';
    request.finishReason = reason;
    if (!request.pooler && (reason === 'stop' || reason === 'length')) this.policy.observe(request.numOutputTokens);
  }

  #scheduleRunning(plan: Plan, wanted: (request: EngineRequest) => boolean): void {
    for (const request of [...this.running]) {
      if (request.status === 'running' && wanted(request)) this.#scheduleRequest(plan, request);
    }
  }

  /** Puts the request's next tokens into the step, as many as budget, chunk size and slots allow. */
  #scheduleRequest(plan: Plan, request: EngineRequest): void {
    const prefill = request.isPrefilling;
    if (prefill) {
      const gained = this.kv.takePrefix(request);
      if (request.pauses === 0) request.cachedTokens += gained;
      if (this.kv.waitsForState(request)) return;
    }
    // The host picks the token in flight: no step can start from it.
    const isAwaited = this.#config.samplesOnHost && request.inFlight > 0;
    const pending = isAwaited ? 0 : request.numPendingTokens;
    const readsPrompt = request.promptScorer?.wants(request.numComputedTokens) === true;
    const most = Math.min(this.#chunk, plan.budget, prefill ? plan.prefill : Infinity);
    const wanted = Math.min(pending, most, readsPrompt ? plan.promptRows : Infinity);
    const whole = this.#config.disableChunkedPrefill && !readsPrompt;
    if (wanted === 0 || (whole && wanted < pending)) return;
    if (!this.#makeRoom(plan, request, whole ? wanted : 1)) return;
    const count = Math.min(wanted, this.kv.availableTo(request));
    const start = request.numComputedTokens;
    const tokenIds = request.tokenIds.slice(start, start + count);
    // A token in flight is unknown here; the device fills it in.
    if (tokenIds.length < count) tokenIds.push((LAST_TOKEN_FLAG | request.tableRow) >>> 0);
    const isNewInRow = request.tableLength === 0;
    const cachedSlots = request.slots.slice(request.tableLength, start);
    const slots = this.kv.alloc(request, count);
    request.tableLength = start + count;
    if (prefill) this.kv.publish(request);
    const state = this.kv.moveState(request, start, count, prefill);
    const { tableRow, nextOutputIndex: outputIndex } = request;
    // Not while tokens of the prompt are left.
    const samples = !request.pooler && request.numComputedTokens === request.tokenIds.length + request.inFlight;
    if (samples) request.inFlight++;
    const endsPooling = request.pooler !== null && request.numComputedTokens === request.promptLength;
    const { windowed } = this.kv;
    const windows = {
      windowSlots: windowed?.slotsOf(slots) ?? [],
      cachedWindowSlots: windowed?.slotsOf(cachedSlots) ?? [],
    };
    const results = { samples, readsPrompt, endsPooling, outputIndex };
    plan.scheduled.push({
      request,
      tableRow,
      tokenIds,
      start,
      slots,
      cachedSlots,
      ...windows,
      state,
      isNewInRow,
      ...results,
    });
    plan.planned.add(request);
    plan.budget -= count;
    if (prefill) plan.prefill -= count;
    if (readsPrompt) plan.promptRows -= count;
  }

  /**
   * Paused requests first, then waiting ones; the first that may not start ends the round. Those whose adapter is not on the
   * device wait for it, and the others do not wait for them.
   */
  #admit(plan: Plan): void {
    const admission = new Admission(this.kv, this.policy, this.running);
    const least = this.#config.disableChunkedPrefill ? null : 1;
    const candidates = new Candidates([...this.paused, ...this.waiting], this.#adapters);
    for (let next = candidates.next(); next; next = candidates.next()) {
      if (this.#freeRows.length === 0 || plan.budget === 0 || plan.prefill === 0 || plan.paused.length > 0) return;
      if (!admission.accepts(next, least, plan.budget)) return;
      this.#start(next);
      this.#scheduleRequest(plan, next);
      plan.admitted.push(next);
    }
  }

  #start(request: EngineRequest): void {
    remove(request.status === 'paused' ? this.paused : this.waiting, request);
    request.status = 'running';
    if (request.adapter) this.#adapters?.pin(request.adapter);
    request.tableRow = this.#freeRows.pop()!;
    this.kv.start(request);
    insertByArrival(this.running, request);
    request.times.firstScheduled ||= performance.now();
  }

  /** Pauses newer requests until n slots are available; if there are none left to pause, the request itself. */
  #makeRoom(plan: Plan, request: EngineRequest, n: number): boolean {
    while (this.kv.availableTo(request) < n) {
      const newest = this.running.findLast((other) => !plan.planned.has(other));
      if (!newest || newest.arrivalIndex < request.arrivalIndex) return false;
      this.#leaveRunning(newest);
      newest.status = 'paused';
      newest.pauses++;
      insertByArrival(this.paused, newest);
      plan.paused.push(newest);
      if (newest === request) return false;
    }
    return true;
  }

  #leaveRunning(request: EngineRequest): void {
    this.kv.release(request);
    if (request.adapter) this.#adapters?.unpin(request.adapter);
    this.#freeRows.push(request.tableRow);
    request.tableRow = -1;
    request.tableLength = 0;
    remove(this.running, request);
  }

  #dropExpired(): EngineRequest[] {
    const now = Date.now();
    const expired = this.waiting.filter((request) => request.deadline <= now);
    for (const request of expired) this.finish(request, 'error');
    return expired;
  }
}
