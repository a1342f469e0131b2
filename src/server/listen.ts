/** The app on a socket: start, and stop without cutting answers off. */
import type { Server, ServerResponse } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import { EngineError } from '../errors.ts';
import type { ServerConfig } from '../config.ts';

export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Takes no new connection, waits up to drainTimeout for running answers, then closes what is left. */
  close(): Promise<void>;
}

/** Longer than the idle time of common proxies, so that they and not we close idle connections. */
const KEEP_ALIVE_MS = 75_000;

export async function listen(app: Hono, settings: ServerConfig): Promise<Listening> {
  const { host, port, requestTimeout, drainTimeout } = settings;
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: Math.min(requestTimeout, 30) * 1000,
      requestTimeout: requestTimeout * 1000,
      connectionsCheckingInterval: 1000,
    },
  }) as Server;
  const closeUnusedConnections = trackConnections(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port)));
    server.listen(port, host, resolve);
  });
  const actual = (server.address() as AddressInfo).port;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => server.closeAllConnections(), drainTimeout * 1000);
      server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      closeUnusedConnections();
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

/**
 * Returns a function that closes every connection without a request, now and as each answer ends. (Node's own
 * closeIdleConnections leaves connections open on which no request has come yet.)
 */
function trackConnections(server: Server): () => void {
  const unused = new Set<Socket>();
  let closing = false;
  const release = (socket: Socket): void => void (closing ? socket.destroySoon() : unused.add(socket));
  server.on('connection', (socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', (_, response: ServerResponse) => {
    const { socket } = response;
    if (socket === null) return;
    unused.delete(socket);
    response.once('close', () => !socket.destroyed && release(socket));
  });
  return () => {
    closing = true;
    for (const socket of unused) socket.destroy();
  };
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
