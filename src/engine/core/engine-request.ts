/** One request inside the engine: its tokens, its KV slots, and where it stands. */
import type { EngineError } from '../../errors.ts';
import type { Constraint } from '../grammar/constraint.ts';
import { NO_TOKEN } from '../../kernels/ops.ts';
import { Pooler } from '../running/pooler.ts';
import { PromptScorer } from '../running/prompt-scorer.ts';
import type { LoadedAdapter } from '../adapters/adapter-table.ts';
import type { RadixNode } from '../cache/radix-cache.ts';
import { nonFinite } from './non-finite.ts';
import type { FinishReason, Pooling, SampledToken, SamplingParams, TokenLogprobs, Usage } from './types.ts';

/**
 * waiting: never admitted. running: has a slot-table row, and slots for what was computed. paused: was running, gave its
 * slots to the prefix cache when slots ran out, and goes on (recomputing what was evicted) before anything new starts.
 */
type RequestStatus = 'waiting' | 'running' | 'paused' | 'finished';

/** Milliseconds of `performance.now()`; 0 for what has not happened. */
interface RequestTimes {
  arrival: number;
  firstScheduled: number;
  firstToken: number;
  finished: number;
}

export interface EngineRequestInit {
  readonly id: string;
  readonly promptIds: readonly number[];
  /**
   * Tokens generated before; generation goes on behind them. There, if only empty, where an engine before this one had
   * accepted the request: it has its place then, however full the queue is.
   */
  readonly outputIds?: readonly number[];
  readonly params: SamplingParams;
  /** Draws of this request depend on it and on the position in the output only (random.ts). */
  readonly seed: number;
  /** Unix ms. */
  readonly deadline?: number | undefined;
  /** Id of the adapter that it is computed with. */
  readonly adapter?: number;
  /** Nothing is generated: the prompt's hidden states are wanted, and `params` do not matter. */
  readonly pooling?: Pooling;
}

export class EngineRequest {
  readonly id: string;
  readonly params: SamplingParams;
  /** Opened from `params.constraint`. */
  readonly constraint: Constraint | null;
  /** Collects the hidden states of a pooling request; null for one that generates. */
  readonly pooler: Pooler | null;
  /** Collects logprobs of the prompt; null when they were not asked for. */
  readonly promptScorer: PromptScorer | null;
  readonly seed: number;
  readonly deadline: number;
  readonly promptLength: number;
  /** Most tokens it may generate: `maxTokens`, or what fits the context. */
  readonly maxNewTokens: number;
  /** Place in the order of arrival: older requests go first and are paused last. */
  arrivalIndex = 0;

  /** Prompt, then output. Only tokens that were read back. */
  readonly tokenIds: number[];
  /** Logprobs of tokens not yet emitted, parallel to `tokenIds.slice(emitted)`; stays empty when not asked for. */
  unsentLogprobs: TokenLogprobs[] = [];
  /** How many of `tokenIds` the caller has. */
  emitted: number;

  status: RequestStatus = 'waiting';
  /** Positions whose keys and values are on the device, or will be when the launched steps are done. */
  numComputedTokens = 0;
  /** The slot of each computed position, and of those that are cached but computed once more for their states' sake. */
  slots: number[] = [];
  /** Its row of recurrent states while running, else -1: those behind `numComputedTokens`, unless they lie in a snapshot. */
  stateRow = -1;
  /** The snapshot's row that its next step goes on from. */
  awaitedState: number | null = null;
  /** How far the prefix cache reached when it took from there: where it goes on, other requests may part too. */
  cachedLength = 0;
  /** Positions whose windowed slots it needs, from start to before end (WindowedSlots). */
  held = { start: 0, end: 0 };
  /** Row of the slot table while running, else -1. */
  tableRow = -1;
  /** The locked prefix in the radix cache: `slots[0 … sharedLength-1]` belong to the tree, the rest to this request. */
  prefixNode: RadixNode | null = null;
  sharedLength = 0;
  /** Prompt tokens taken from the prefix cache when it first ran. */
  cachedTokens = 0;

  /** Positions of its row that the slot table knows. */
  tableLength = 0;

  /** Tokens being sampled: launched, not read back. At most 1 when a step is scheduled. */
  inFlight = 0;

  finishReason: FinishReason | null = null;
  /** The last token could not be sampled. */
  isSpoiled = false;
  /** The token that ended it, if one did. */
  stopTokenId: number | null = null;
  pauses = 0;
  readonly times: RequestTimes = { arrival: 0, firstScheduled: 0, firstToken: 0, finished: 0 };

  /** Whether its keys and values may come from the prefix cache, and go there. */
  readonly sharesPrefix: boolean;

  /** What it is computed with; null: the model alone. */
  readonly adapter: LoadedAdapter | null;
  /** Younger requests with other adapters that started before it, for want of room for its own. */
  overtaken = 0;

  /** @param maxLength longest prompt + output that the engine can hold */
  constructor(
    init: EngineRequestInit,
    maxLength: number,
    constraint: Constraint | null = null,
    sharesPrefix = true,
    adapter: LoadedAdapter | null = null,
  ) {
    this.sharesPrefix = sharesPrefix;
    this.adapter = adapter;
    this.id = init.id;
    this.params = init.params;
    this.constraint = constraint;
    this.seed = init.seed;
    this.deadline = init.deadline ?? Infinity;
    this.promptLength = init.promptIds.length;
    this.tokenIds = [...init.promptIds, ...(init.outputIds ?? [])];
    this.emitted = this.tokenIds.length;
    this.times.arrival = performance.now();
    this.pooler = init.pooling === undefined ? null : new Pooler(init.pooling, this.promptLength);
    const { promptLogprobs } = init.params;
    // With output the prompt's logprobs were given out before.
    const isScored = promptLogprobs !== null && !init.outputIds?.length && !this.pooler;
    this.promptScorer = isScored ? new PromptScorer(init.promptIds, promptLogprobs) : null;
    this.maxNewTokens = this.pooler ? 0 : Math.min(init.params.maxTokens, maxLength - this.promptLength);
  }

  /** Takes a sampled token that was read back. */
  append({ id, logprobs }: SampledToken): void {
    if (id === NO_TOKEN) {
      this.isSpoiled = true;
      return;
    }
    this.tokenIds.push(id);
    if (logprobs) this.unsentLogprobs.push(logprobs);
    this.times.firstToken ||= performance.now();
  }

  /** Whether something is wanted of every token of the prompt, so that none may be taken from the prefix cache. */
  get computesWholePrompt(): boolean {
    return this.pooler?.pooling === 'mean' || this.promptScorer?.isDone === false;
  }

  /** Why it has to end with 'error'. */
  get error(): EngineError | null {
    if (this.isSpoiled) return nonFinite('logits');
    return this.constraint?.error ?? this.pooler?.error ?? this.promptScorer?.error ?? null;
  }

  get numOutputTokens(): number {
    return this.tokenIds.length - this.promptLength;
  }

  /** Position in the output of the token that the next launched step would sample. */
  get nextOutputIndex(): number {
    return this.numOutputTokens + this.inFlight;
  }

  /**
   * Tokens that the next step can compute: the prompt's rest, the token sampled last, or the one in flight (which the
   * device knows already). 0 while the last one that it may generate is in flight.
   */
  get numPendingTokens(): number {
    if (this.inFlight && this.nextOutputIndex >= this.maxNewTokens) return 0;
    return this.tokenIds.length + this.inFlight - this.numComputedTokens;
  }

  /** Still working on tokens that were known before this run: the prompt, or everything after a pause. */
  get isPrefilling(): boolean {
    return this.tokenIds.length - this.numComputedTokens > 1 || this.numComputedTokens < this.promptLength;
  }

  get usage(): Usage {
    return {
      promptTokens: this.promptLength,
      completionTokens: this.numOutputTokens,
      cachedTokens: Math.min(this.cachedTokens, this.promptLength),
    };
  }
}
