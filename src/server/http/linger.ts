/**
 * Refusals that come before a body is whole. A socket that is closed while its client still writes is reset, and a reset
 * takes with it what the client has not read: it would see a broken connection where there is an answer. So what still
 * comes is read and thrown away first, within bounds (nginx's lingering close).
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

export interface LingerLimits {
  /** Milliseconds in which nothing more came. */
  readonly idle: number;
  /** Milliseconds in all. */
  readonly longest: number;
  /** Bytes behind the answer. */
  readonly bytes: number;
}

const limits: LingerLimits = { idle: 5000, longest: 30_000, bytes: 64 * 2 ** 20 };

export function lingerBehindRefusals(server: Server, { idle, longest, bytes }: LingerLimits = limits): void {
  server.prependListener('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { socket } = incoming;
    const close = (): void => Socket.prototype.destroySoon.call(socket);
    // What Node calls behind an answer after which the connection is to be closed.
    socket.destroySoon = () => {
      if (incoming.complete) close();
      else socket.end();
    };
    outgoing.once('finish', () => {
      if (incoming.complete || socket.destroyed) return;
      incoming.resume();
      const [start, atStart] = [performance.now(), socket.bytesRead];
      let [seen, lastByte] = [atStart, start];
      const timer = setInterval(() => {
        const now = performance.now();
        if (socket.bytesRead > seen) [seen, lastByte] = [socket.bytesRead, now];
        if (now - lastByte >= idle || now - start >= longest || seen - atStart > bytes) close();
      }, idle / 10);
      socket.once('close', () => clearInterval(timer));
      incoming.once('close', () => {
        clearInterval(timer);
        if (!outgoing.shouldKeepAlive) close();
      });
    });
  });
}
