/** A plain HTTP client that can also misbehave: leave before the answer, or in the middle of it. */
import { Agent, request } from 'node:http';

export interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  /** Closes the connection so many milliseconds after the request went out, before anything is read. */
  readonly leaveAfterMs?: number;
  /** Closes the connection after so many pieces of the answer. */
  readonly leaveAfterPieces?: number;
}

export interface Received {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** Longest time a request may take; one that takes longer hangs. */
const patienceMs = 60_000;

export class HttpClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  /**
   * @returns null when the client left, as it was told to
   * @throws Error when the server hung up or did not answer in time
   */
  send(sent: Sent): Promise<Received | null> {
    const { method = 'POST', path, body, contentType = 'application/json', leaveAfterMs, leaveAfterPieces } = sent;
    const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      let left = false;
      const outgoing = request(
        {
          port: this.#port,
          host: '127.0.0.1',
          method,
          path,
          agent: this.#agent,
          headers: { 'content-type': contentType },
        },
        (incoming) => {
          const pieces: Buffer[] = [];
          incoming.on('data', (piece: Buffer) => {
            pieces.push(piece);
            if (pieces.length === leaveAfterPieces) leave();
          });
          incoming.on('end', () => {
            clearTimeout(timer);
            const text = Buffer.concat(pieces).toString();
            resolve({ status: incoming.statusCode ?? 0, retryAfter: incoming.headers['retry-after'], text });
          });
          incoming.on('error', fail);
        },
      );
      const leave = (): void => {
        left = true;
        outgoing.destroy();
      };
      const fail = (error: Error): void => {
        clearTimeout(timer);
        if (left) resolve(null);
        else reject(error);
      };
      const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${patienceMs} ms`)), patienceMs);
      outgoing.on('error', fail);
      outgoing.end(payload);
      if (leaveAfterMs !== undefined) setTimeout(leave, leaveAfterMs);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
