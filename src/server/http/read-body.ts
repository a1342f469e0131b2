/**
 * A request's body as text, within what one body and all bodies together may take. It is counted as it arrives: what is too
 * much is refused then, and the rest of it is thrown away unread.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { EngineError } from '../../errors.ts';
import { JsonCounter } from './json-limits.ts';

/** Bytes of each body that count for nothing, so that usual requests pass while large ones take all the room. */
const FREE = 64 * 1024;
/** Seconds without a byte after which a body is given up. */
const STALL = 20;

export interface BodyLimits {
  /** Bytes of one body (--body_limit). */
  readonly bodyLimit: number;
  /** Bytes of all bodies together (--body_memory). */
  readonly bodyMemory: number;
}

export class BodyReader {
  readonly #limits: BodyLimits;
  /** Bytes of all bodies whose requests are not over, without what is free. */
  #taken = 0;

  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  /**
   * The body's memory is given back when `outgoing` is closed: until then its values may be in use.
   * @throws EngineError request_too_large, overloaded, invalid_request (too many values), aborted, request_timeout
   */
  read(incoming: IncomingMessage, outgoing: ServerResponse): Promise<string> {
    const { bodyLimit } = this.#limits;
    if (Number(incoming.headers['content-length'] ?? 0) > bodyLimit) return Promise.reject(tooLarge(bodyLimit));
    return new Promise((resolve, reject) => {
      const parts: string[] = [];
      const utf8 = new TextDecoder();
      const counter = new JsonCounter();
      let [bytes, held] = [0, 0];
      outgoing.once('close', () => (this.#taken -= held));
      const fail = (error: Error): void => {
        stop();
        incoming.resume(); // what still comes is read and dropped: a closed socket would take the answer with it
        reject(error);
      };
      const onData = (chunk: Buffer): void => {
        timer.refresh();
        try {
          bytes += chunk.length;
          if (bytes > bodyLimit) throw tooLarge(bodyLimit);
          held += this.#take(Math.min(chunk.length, Math.max(0, bytes - FREE)));
          counter.add(chunk);
          parts.push(utf8.decode(chunk, { stream: true }));
        } catch (error) {
          fail(error as Error);
        }
      };
      const onEnd = (): void => {
        stop();
        resolve(parts.join('') + utf8.decode());
      };
      const onGone = (): void => fail(new EngineError('aborted', 'The client went away while sending its request.'));
      const onStall = (): void =>
        fail(new EngineError('request_timeout', `No more of the body came within ${STALL} s.`));
      const timer = setTimeout(onStall, STALL * 1000);
      const stop = (): void => {
        clearTimeout(timer);
        incoming.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
        incoming.on('error', () => undefined);
      };
      incoming.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
    });
  }

  #take(bytes: number): number {
    if (bytes > 0 && this.#taken + bytes > this.#limits.bodyMemory) {
      throw new EngineError(
        'overloaded',
        `The bodies of all requests together take ${this.#limits.bodyMemory} bytes already (--body_memory). Try again later.`,
      );
    }
    this.#taken += bytes;
    return bytes;
  }
}

function tooLarge(limit: number): EngineError {
  return new EngineError('request_too_large', `The request body is larger than ${limit} bytes (--body_limit).`);
}
