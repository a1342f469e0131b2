/** A request as the client remembers it: enough to give it to another engine. */
import { OutputQueue } from './output-queue.ts';
import type { EngineRequestInit } from './engine-request.ts';
import type { RequestOutput } from './types.ts';

/** What engines call a request: a caller may use its id again while an engine still ends the one before. */
const engineId = (serial: number, requestId: string): string => `${serial}/${requestId}`;

/** The caller's id of a request that engines call so. */
export const callersId = (id: string): string => id.slice(id.indexOf('/') + 1);

export class OpenRequest {
  readonly init: EngineRequestInit;
  /** The caller's. */
  readonly requestId: string;
  readonly queue: OutputQueue;
  /** Its caller is gone, and an engine was told: it goes to no other one. */
  isAborted = false;
  readonly #outputIds: number[] = [];
  #isAccepted = false;
  readonly #onAccepted: (() => void) | undefined;

  /**
   * @param init with the caller's id
   * @param serial another one for each request of a client
   * @param maxUnread limit of its queue
   */
  constructor(init: EngineRequestInit, serial: number, maxUnread?: number, onAccepted?: () => void) {
    this.requestId = init.id;
    this.init = { ...init, id: engineId(serial, init.id) };
    this.queue = new OutputQueue(maxUnread);
    this.#onAccepted = onAccepted;
  }

  /** An engine has taken it; a second one, after a restart, is no news. */
  accept(): void {
    if (!this.#isAccepted) this.#onAccepted?.();
    this.#isAccepted = true;
  }

  /** @returns false when its caller has left too much unread */
  receive(output: RequestOutput): boolean {
    for (const id of output.tokenIds) this.#outputIds.push(id);
    return this.queue.push({ ...output, requestId: this.requestId });
  }

  /** For an engine that never saw it: goes on behind the tokens that were received. Then it has had its turn and waits for no queue. */
  resumed(): EngineRequestInit {
    if (!this.#isAccepted) return this.init;
    const { deadline } = this.init;
    return { ...this.init, outputIds: this.#outputIds, deadline: this.#outputIds.length > 0 ? undefined : deadline };
  }

  /** Ends it without an engine. */
  endHere(finishReason: 'abort'): void {
    const usage = {
      promptTokens: this.init.promptIds.length,
      completionTokens: this.#outputIds.length,
      cachedTokens: 0,
    };
    const { requestId } = this;
    const nothing = { tokenIds: [], logprobs: null, promptLogprobs: null, pooled: null, stopTokenId: null };
    this.queue.push({ requestId, ...nothing, finishReason, usage });
  }
}
