/** What one step computes: the scheduler's decision, complete and fixed, so that the runner looks at nothing else. */
import type { StateMove } from '../cache/kv-cache-manager.ts';
import type { EngineRequest } from '../core/engine-request.ts';

export interface ScheduledRequest {
  readonly request: EngineRequest;
  readonly tableRow: number;
  /**
   * The tokens to compute. `LAST_TOKEN_FLAG | tableRow` stands for the token that the row sampled in the step before, which
   * the host has not read yet (StepBatch.tokenIds).
   */
  readonly tokenIds: readonly number[];
  /** Position of the first of them. */
  readonly start: number;
  /** One KV slot for each. */
  readonly slots: readonly number[];
  /** Slots taken over from the prefix cache since the last step, for positions `start - cachedSlots.length … start-1`. */
  readonly cachedSlots: readonly number[];
  /** The same in the layers that see a window only: empty where the model has none. */
  readonly windowSlots: readonly number[];
  readonly cachedWindowSlots: readonly number[];
  /** Where its recurrent states come from and go to; null where the model has none. */
  readonly state: StateMove | null;
  /** The row knows nothing of the request yet: its first step, or the first after a pause. */
  readonly isNewInRow: boolean;
  /** Whether the last token's logits are sampled from; not so inside a prompt. */
  readonly samples: boolean;
  /** Whether every token's logits are read back, since the request's prompt is scored. */
  readonly readsPrompt: boolean;
  /** Whether these are the last tokens of a pooling request: it is done when they are computed. */
  readonly endsPooling: boolean;
  /** Position in the output of the token that will be sampled. */
  readonly outputIndex: number;
}

export interface SchedulerOutput {
  readonly scheduled: readonly ScheduledRequest[];
  readonly numTokens: number;
  /** Tokens of `numTokens` that are decode steps (one a request); the rest is prefill. */
  readonly numDecodeTokens: number;
  readonly admitted: readonly EngineRequest[];
  readonly paused: readonly EngineRequest[];
  /** Waiting requests whose deadline passed; they are finished with 'error'. */
  readonly expired: readonly EngineRequest[];
}
