/** A request as the client remembers it: enough to give it to another engine. */
import { OutputQueue } from './output-queue.ts';
import type { EngineRequestInit } from './engine-request.ts';
import type { RequestOutput } from './types.ts';

export class OpenRequest {
  readonly init: EngineRequestInit;
  readonly queue: OutputQueue;
  readonly #outputIds: number[] = [];
  #onAccepted: (() => void) | undefined;

  /** @param maxUnread limit of its queue */
  constructor(init: EngineRequestInit, maxUnread?: number, onAccepted?: () => void) {
    this.init = init;
    this.queue = new OutputQueue(maxUnread);
    this.#onAccepted = onAccepted;
  }

  /** An engine has taken it; a second one, after a restart, is no news. */
  accept(): void {
    this.#onAccepted?.();
    this.#onAccepted = undefined;
  }

  /** @returns false when its caller has left too much unread */
  receive(output: RequestOutput): boolean {
    for (const id of output.tokenIds) this.#outputIds.push(id);
    return this.queue.push(output);
  }

  /** For an engine that never saw it: goes on behind the tokens that were received. */
  resumed(): EngineRequestInit {
    return { ...this.init, outputIds: this.#outputIds };
  }

  /** Ends it without an engine. */
  endHere(finishReason: 'abort'): void {
    const usage = {
      promptTokens: this.init.promptIds.length,
      completionTokens: this.#outputIds.length,
      cachedTokens: 0,
    };
    const requestId = this.init.id;
    const nothing = { tokenIds: [], logprobs: null, promptLogprobs: null, pooled: null, stopTokenId: null };
    this.queue.push({ requestId, ...nothing, finishReason, usage });
  }
}
