/**
 * Server-sent events with back-pressure: the next event is made only when the socket took the last one. A client
 * that closes, or that stops reading for too long (listen.ts), ends the generator, and with it the request in the engine.
 */
import { errorBody, logFailure } from './errors.ts';
import { type EngineError, toEngineError } from '../../errors.ts';

interface EventStreamOptions {
  /** Ends the request when the client goes away. */
  readonly abort: AbortController;
  /** Sent when nothing else was for PING_SECONDS, so that proxies keep the connection; null for protocols without it. */
  readonly ping: string | null;
  /** What is sent when the generator throws: the 200 status has gone out already. */
  readonly onError: (error: EngineError) => string;
}

const PING_SECONDS = 15;
const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
  connection: 'keep-alive',
};

export function eventStream(
  events: AsyncGenerator<string, void, undefined>,
  { abort, ping, onError }: EventStreamOptions,
): Response {
  const encoder = new TextEncoder();
  let pinger: NodeJS.Timeout | undefined;
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      if (ping === null) return;
      // While the socket is full nothing is wanted, and nothing is sent.
      const send = (): void => void ((controller.desiredSize ?? 0) > 0 && controller.enqueue(encoder.encode(ping)));
      pinger = setInterval(send, PING_SECONDS * 1000);
    },
    async pull(controller) {
      pinger?.refresh();
      try {
        const { value, done } = await events.next();
        if (done !== true) return controller.enqueue(encoder.encode(value));
      } catch (thrown) {
        const error = toEngineError(thrown);
        if (!abort.signal.aborted) {
          logFailure(error);
          controller.enqueue(encoder.encode(onError(error)));
        }
      }
      clearInterval(pinger);
      controller.close();
    },
    async cancel() {
      clearInterval(pinger);
      abort.abort();
      await events.return();
    },
  });
  return new Response(stream, { headers });
}

/** OpenAI's framing: `data: {json}`, a closing `data: [DONE]`, errors as an event before it. */
export function openAIStream(chunks: AsyncGenerator<unknown, void, undefined>, abort: AbortController): Response {
  const frame = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
  const done = 'data: [DONE]\n\n';
  async function* events(): AsyncGenerator<string, void, undefined> {
    for await (const chunk of chunks) yield frame(chunk);
    yield done;
  }
  const onError = (error: EngineError): string => frame(errorBody(error)) + done;
  return eventStream(events(), { abort, ping: ': ping\n\n', onError });
}
