/** Two proxies around a program under test: one that notes its requests, and one that refuses and notes every other host. */
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

interface Watch {
  readonly url: string;
  close(): void;
}

/** Passes requests on to `target` as they are. */
export async function watchRequests(target: string, seen: (exchange: Exchange) => void): Promise<Watch> {
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url = '/', headers } = incoming;
    const passed = request(target + url, { method, headers: { ...headers, host: new URL(target).host } }, (answer) => {
      seen({ method, path: new URL(url, target).pathname, status: answer.statusCode! });
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  });
  return listening(server);
}

/** For HTTPS_PROXY: whatever goes elsewhere than to `own` (`host:port`; some programs ask even that here) is refused. */
export async function refuseOthers(own: string, asked: (host: string) => void): Promise<Watch> {
  const server = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    asked(new URL(incoming.url ?? '/', 'http://unknown').host);
    outgoing.writeHead(403).end();
  });
  server.on('connect', ({ url = '' }, socket) => {
    socket.on('error', () => socket.destroy());
    if (url !== own) {
      asked(url);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const [host, port] = own.split(':');
    const tunnel = connect(Number(port), host, () => socket.write('HTTP/1.1 200 Connection established\r\n\r\n'));
    tunnel.on('error', () => socket.destroy());
    tunnel.pipe(socket).pipe(tunnel);
  });
  return listening(server);
}

async function listening(server: Server): Promise<Watch> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
