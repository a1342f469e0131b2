/** The app on a socket: start, and stop without cutting answers off. */
import type { Server, ServerResponse } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import { EngineError } from '../../errors.ts';
import type { ServerConfig } from '../../config.ts';
import { lingerBehindRefusals } from './linger.ts';
import { logError } from './log.ts';

export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Takes no new connection, waits up to so many seconds (drainTimeout) for running answers, then closes what is left. */
  close(seconds?: number): Promise<void>;
}

/** Longer than the idle time of common proxies, so that they and not we close idle connections. */
const KEEP_ALIVE_MS = 75_000;

export async function listen(app: Hono, settings: ServerConfig): Promise<Listening> {
  const { host, port, requestTimeout, readerTimeout, drainTimeout } = settings;
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    autoCleanupIncoming: false, // it resets clients that send for another half second: see linger.ts
    serverOptions: {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: Math.min(requestTimeout, 30) * 1000,
      requestTimeout: requestTimeout * 1000,
      connectionsCheckingInterval: 1000,
    },
  }) as Server;
  lingerBehindRefusals(server);
  const connections = new Connections(server);
  server.setTimeout(readerTimeout * 1000, (socket) => dropStalled(socket, connections, readerTimeout));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port)));
    server.listen(port, host, resolve);
  });
  const actual = (server.address() as AddressInfo).port;
  const close = (seconds = drainTimeout): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => server.closeAllConnections(), seconds * 1000);
      server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      connections.closeUnused();
    });
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`, port: actual, close };
}

/** Throws what `listen` would throw, before a model is loaded for nothing. */
export async function checkPort({ host, port }: ServerConfig): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error) => reject(listenError(error, host, port)));
    probe.listen(port, host, () => probe.close(() => resolve()));
  });
}

/** Connections without a request. (Node's own closeIdleConnections leaves those open on which no request has come yet.) */
class Connections {
  readonly #unused = new Set<Socket>();
  #closing = false;

  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.#unused.add(socket);
      socket.once('close', () => this.#unused.delete(socket));
    });
    server.on('request', (_, response: ServerResponse) => {
      const { socket } = response;
      if (socket === null) return;
      this.#unused.delete(socket);
      response.once('close', () => !socket.destroyed && this.#release(socket));
    });
  }

  isUnused(socket: Socket): boolean {
    return this.#unused.has(socket);
  }

  /** Closes every connection without a request, now and as each answer ends. */
  closeUnused(): void {
    this.#closing = true;
    for (const socket of this.#unused) socket.destroy();
  }

  #release(socket: Socket): void {
    if (this.#closing) socket.destroySoon();
    else this.#unused.add(socket);
  }
}

/**
 * On a socket where nothing moved for a while. With bytes to write, its client stopped reading: its answer, streamed or
 * whole, would be kept for as long as it likes. Without any, the client waits for the engine.
 */
function dropStalled(socket: Socket, connections: Connections, seconds: number): void {
  if (connections.isUnused(socket)) return void socket.destroy();
  if (socket.writableLength === 0) return;
  logError(`A client left ${socket.writableLength} bytes unread for ${seconds} s (--reader_timeout): closed.`);
  socket.destroy();
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): EngineError {
  if (error.code === 'EADDRINUSE') {
    const message = `Port ${port} on ${host} is in use. Stop what uses it, or choose another with --port.`;
    return new EngineError('port_in_use', message, { param: '--port', cause: error });
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new EngineError('bad_flag', `--host: ${host} is not an address of this machine.`, { param: '--host' });
  }
  if (error.code === 'EACCES') {
    return new EngineError('bad_flag', `--port: not allowed to listen on port ${port}.`, { param: '--port' });
  }
  return new EngineError('port_in_use', `Cannot listen on ${host}:${port}: ${error.message}`, { cause: error });
}
