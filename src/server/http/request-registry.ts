/** Requests in flight by id, so that /abort_request can end them. */
import { EngineError } from '../../errors.ts';

export class RequestRegistry {
  readonly #running = new Map<string, AbortController>();

  /**
   * Registers a request and returns what aborts it.
   * @throws EngineError invalid_value when a request with this id is running
   */
  add(requestId: string): AbortController {
    if (this.#running.has(requestId)) {
      const message = `request_id: A request with id ${requestId} is running.`;
      throw new EngineError('invalid_value', message, { param: 'request_id' });
    }
    const controller = new AbortController();
    this.#running.set(requestId, controller);
    return controller;
  }

  remove(requestId: string): void {
    this.#running.delete(requestId);
  }

  /** Aborts the request with this id, its choices included (`id-0`, `id-1` …); returns how many there were. */
  abort(requestId: string): number {
    return this.#abortWhere((id) => id === requestId || (id.startsWith(`${requestId}-`) && /-\d+$/.test(id)));
  }

  abortAll(): number {
    return this.#abortWhere(() => true);
  }

  #abortWhere(matches: (id: string) => boolean): number {
    const hit = [...this.#running].filter(([id]) => matches(id));
    for (const [, controller] of hit) controller.abort();
    return hit.length;
  }
}
