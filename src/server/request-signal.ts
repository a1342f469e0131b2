/** An AbortController that the client's closed socket aborts. */
import type { Context } from 'hono';

export function linkedAbort(c: Context): AbortController {
  const controller = new AbortController();
  const { signal } = c.req.raw;
  if (signal.aborted) controller.abort();
  else signal.addEventListener('abort', () => controller.abort(), { once: true });
  return controller;
}
