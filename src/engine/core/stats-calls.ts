/** Questions that the engine answers with its statistics, and has not answered yet. */
import type { EngineError } from '../../errors.ts';
import type { EngineStats } from './types.ts';

interface Call {
  readonly resolve: (stats: EngineStats) => void;
  readonly reject: (error: EngineError) => void;
}

export class StatsCalls {
  readonly #calls = new Map<number, Call>();
  #next = 0;

  ask(post: (callId: number) => void): Promise<EngineStats> {
    return new Promise((resolve, reject) => {
      const callId = this.#next++;
      this.#calls.set(callId, { resolve, reject });
      post(callId);
    });
  }

  answer(callId: number, stats: EngineStats): void {
    this.#calls.get(callId)?.resolve(stats);
    this.#calls.delete(callId);
  }

  fail(error: EngineError): void {
    for (const call of this.#calls.values()) call.reject(error);
    this.#calls.clear();
  }
}
