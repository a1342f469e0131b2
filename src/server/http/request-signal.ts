/** Abort signals that follow others: a client's closed socket ends the work that was begun for it. */
import { setMaxListeners } from 'node:events';
import type { Context } from 'hono';

export function linkedAbort(c: Context): AbortController {
  const controller = new AbortController();
  follow(c.req.raw.signal, controller);
  return controller;
}

/**
 * Aborts `controller` when `signal` is aborted; the function it returns ends that. Not AbortSignal.any: Node 20 keeps what
 * it makes for as long as the process lives.
 */
export function follow(signal: AbortSignal, controller: AbortController): () => void {
  const abort = (): void => controller.abort();
  // Up to 128 choices follow one client; each ends it by itself, so many listeners are no leak.
  setMaxListeners(0, signal);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return () => signal.removeEventListener('abort', abort);
}
