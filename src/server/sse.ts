/**
 * Server-sent events with back-pressure: the next event is made only when the socket took the last one. A client
 * that closes, or that stops reading for too long, ends the generator, and with it the request in the engine.
 */
import type { Context } from 'hono';
import { errorBody } from './errors.ts';
import { toEngineError } from '../errors.ts';

export interface EventStreamOptions {
  /** Ends the request when the client goes away. */
  readonly abort: AbortController;
  /** Seconds a client may leave an event unread. */
  readonly readerTimeout: number;
  /** Sent when nothing else was for PING_SECONDS, so that proxies keep the connection; null for protocols without it. */
  readonly ping: string | null;
  /** What is sent when the generator throws: the 200 status has gone out already. */
  readonly onError: (error: unknown) => string;
}

const PING_SECONDS = 15;
const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
  connection: 'keep-alive',
};

export function eventStream(
  c: Context,
  events: AsyncGenerator<string, void, undefined>,
  options: EventStreamOptions,
): Response {
  const { abort, readerTimeout, ping, onError } = options;
  const encoder = new TextEncoder();
  let timer: NodeJS.Timeout | undefined;
  const finish = async (): Promise<void> => {
    clearTimeout(timer);
    abort.abort();
    await events.return();
  };
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      clearTimeout(timer);
      const pinger =
        ping === null
          ? undefined
          : setInterval(
              () => (controller.desiredSize ?? 0) > 0 && controller.enqueue(encoder.encode(ping)),
              PING_SECONDS * 1000,
            );
      try {
        const { value, done } = await events.next();
        if (done === true) return controller.close();
        controller.enqueue(encoder.encode(value));
        timer = setTimeout(() => dropConnection(c, finish), readerTimeout * 1000);
      } catch (error) {
        if (!abort.signal.aborted) controller.enqueue(encoder.encode(onError(error)));
        controller.close();
      } finally {
        clearInterval(pinger);
      }
    },
    cancel: finish,
  });
  return new Response(stream, { headers });
}

/** A stalled reader holds its socket's buffer full, so only destroying the socket ends it. */
function dropConnection(c: Context, finish: () => Promise<void>): void {
  void finish();
  (c.env as { outgoing?: { destroy(): void } } | undefined)?.outgoing?.destroy();
}

/** OpenAI's framing: `data: {json}`, a closing `data: [DONE]`, errors as an event before it. */
export function openAIStream(
  c: Context,
  chunks: AsyncGenerator<unknown, void, undefined>,
  options: Pick<EventStreamOptions, 'abort' | 'readerTimeout'>,
): Response {
  const frame = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
  const done = 'data: [DONE]\n\n';
  async function* events(): AsyncGenerator<string, void, undefined> {
    for await (const chunk of chunks) yield frame(chunk);
    yield done;
  }
  const onError = (error: unknown): string => frame(errorBody(toEngineError(error))) + done;
  return eventStream(c, events(), { ...options, ping: ': ping\n\n', onError });
}
