/** What crosses between an engine client and its engine: structured-cloneable data, one `events` message per step. */
import { EngineError, toEngineError, type ErrorCode } from '../../errors.ts';
import type { EngineRequestInit } from '../core/engine-request.ts';
import type { DeviceFault } from '../running/model-runner.ts';
import type { EngineInfo, EngineStats, RequestOutput } from '../core/types.ts';

export type EngineCommand =
  /** With `outputIds` where an engine before this one has said 'accepted': its promise is kept. */
  | { readonly type: 'add'; readonly request: EngineRequestInit }
  | { readonly type: 'abort'; readonly requestId: string }
  /** Read an adapter, which requests name by this id; answered with 'adapter'. */
  | { readonly type: 'load adapter'; readonly id: number; readonly path: string }
  /** Requests that use it go on; then it is gone. */
  | { readonly type: 'unload adapter'; readonly id: number }
  | { readonly type: 'stats'; readonly callId: number }
  /** Forget the prefix cache as far as nobody uses it; answered with the stats afterwards. */
  | { readonly type: 'flush'; readonly callId: number }
  /** Finish what was accepted, then free everything and say 'closed'. */
  | { readonly type: 'close' }
  /** Drop everything, free everything and end: another engine has taken over. */
  | { readonly type: 'quit' }
  /** For tests, and refused unless the engine was started with `faultInjection`: fail at the next step. */
  | { readonly type: 'fault'; readonly fault: Fault };

/**
 * 'throw': the step fails, as when the device is lost. 'exit': the thread is gone without a word. 'hang': the step never
 * ends, as when the device does not answer. 'freeze': the thread does nothing for five seconds, then goes on. The others
 * are the runner's.
 */
export type Fault = 'throw' | 'exit' | 'hang' | 'freeze' | DeviceFault;

export type EngineMessage =
  /** Bytes of weights on the device so far, and in all; while loading. */
  | { readonly type: 'progress'; readonly done: number; readonly total: number }
  | { readonly type: 'ready'; readonly info: EngineInfo }
  | { readonly type: 'events'; readonly events: readonly EngineEvent[]; readonly step: StepReport | null }
  | { readonly type: 'stats'; readonly callId: number; readonly stats: EngineStats }
  | {
      readonly type: 'adapter';
      readonly id: number;
      /** The highest of any layer; null with an error. */
      readonly rank: number | null;
      readonly error: ErrorMessage | null;
    }
  | { readonly type: 'closed' }
  /** No further message follows; all requests that have not finished are lost to this engine. */
  | { readonly type: 'dead'; readonly error: ErrorMessage };

export type EngineEvent =
  /** The request is in the queue: no refusal but that of its deadline follows. */
  | { readonly type: 'accepted'; readonly requestId: string }
  | {
      readonly type: 'output';
      readonly output: RequestOutput;
      /** Why it ended with 'error'. */
      readonly error: ErrorMessage | null;
      readonly report: RequestReport | null;
    }
  /** The request was not accepted, or waited beyond its deadline. */
  | { readonly type: 'refused'; readonly requestId: string; readonly error: ErrorMessage };

export interface ErrorMessage {
  readonly code: ErrorCode;
  readonly message: string;
  readonly param: string | null;
}

/** One step; published on the diagnostics channel `dawnlight:step`. Times in milliseconds. */
export interface StepReport {
  /** Counts up from 0. */
  readonly step: number;
  /** Requests in the step. */
  readonly requests: number;
  readonly prefillTokens: number;
  readonly decodeTokens: number;
  readonly admitted: number;
  readonly paused: number;
  readonly scheduleTime: number;
  /** Host work to record and submit the step. */
  readonly launchTime: number;
  /** Waiting for sampled tokens: this step's, or the one's before in the overlapped loop. */
  readonly waitTime: number;
  readonly updateTime: number;
  /** After the step. */
  readonly stats: EngineStats;
}

/** One request at its end; published on the diagnostics channel `dawnlight:request`. Times in milliseconds. */
export interface RequestReport {
  readonly requestId: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  readonly finishReason: string;
  /** What went wrong, when it ended with 'error'. */
  readonly error: string | null;
  readonly pauses: number;
  /** Arrival to first scheduled; null if it never ran. */
  readonly queueTime: number | null;
  /** Arrival to first token; null if there was none. */
  readonly timeToFirstToken: number | null;
  /** Arrival to end. */
  readonly totalTime: number;
}

export function toErrorMessage(error: unknown): ErrorMessage {
  const { code, message, param } = toEngineError(error);
  return { code, message, param };
}

export function fromErrorMessage({ code, message, param }: ErrorMessage): EngineError {
  return new EngineError(code, message, { param });
}
