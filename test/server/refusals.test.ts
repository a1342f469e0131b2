// A refusal that comes before the body is whole can be read: by clients that write first, slowly, or on one connection.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { request } from 'undici';
import { lingerBehindRefusals } from '../../src/server/http/linger.ts';
import { startFakeServer, until } from '../helpers/fake-server.ts';

async function start(t: Test) {
  const fake = await startFakeServer({ bodyLimit: 2 ** 20, apiKeys: ['k'] });
  t.teardown(() => fake.server.close(0));
  return fake;
}

/** More than sockets keep for a reader that does not read. */
const size = 24 * 2 ** 20;
const piece = Buffer.alloc(2 ** 20, '[],');

/** Whose body is refused when, and with what: at its headers, by a rule of the route, in its middle. */
const refused: Readonly<Record<string, { path: string; headers: Record<string, string>; status: number }>> = {
  'too long, as it says': { path: '/v1/completions', headers: { authorization: 'Bearer k' }, status: 413 },
  'no key': { path: '/v1/completions', headers: {}, status: 401 },
  'no such path': { path: '/v1/nothing', headers: { authorization: 'Bearer k' }, status: 404 },
  'no such method': { path: '/v1/models', headers: { authorization: 'Bearer k' }, status: 405 },
  'another type': {
    path: '/v1/completions',
    headers: { authorization: 'Bearer k', 'content-type': 'text/plain' },
    status: 415,
  },
};

const piecesOfBody = size / piece.length;

interface Sent {
  readonly head: string;
  readonly pieces?: number;
  readonly piece?: Buffer;
  /** Milliseconds behind each piece. */
  readonly pause?: number;
}

/** Writes all, as a client of one thread does, and reads then. */
async function writeThenRead(socket: Socket, sent: Sent): Promise<string> {
  const { head, pieces = piecesOfBody, piece: each = piece, pause = 0 } = sent;
  socket.on('error', () => undefined).pause();
  socket.write(head);
  for (let i = 0; i < pieces; i++) {
    await new Promise<void>((resolve, reject) => socket.write(each, (error) => (error ? reject(error) : resolve())));
    if (pause > 0) await sleep(pause);
  }
  let answer = '';
  socket.on('data', (data) => (answer += data.toString())).resume();
  await until(() => answer.includes('"error"') || socket.closed);
  return answer;
}

const headOf = (path: string, headers: Record<string, string>): string =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;

t.test('by a client that writes all before it reads', async (t) => {
  const { server } = await start(t);
  for (const connection of ['close', 'keep-alive']) {
    for (const [name, { path, headers, status }] of Object.entries(refused)) {
      const socket = connect(server.port, '127.0.0.1');
      const head = headOf(path, { ...headers, connection, 'content-length': String(size) });
      const answer = await writeThenRead(socket, { head });
      t.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), `${name}, ${connection}`);
      if (connection === 'close') await until(() => socket.closed);
      else socket.destroy();
    }
  }
});

t.test('by one that takes its time', async (t) => {
  const { server } = await start(t);
  const socket = connect(server.port, '127.0.0.1');
  const head = headOf('/v1/completions', { authorization: 'Bearer k', 'content-length': String(8 * piece.length) });
  t.match(await writeThenRead(socket, { head, pieces: 8, pause: 100 }), /^HTTP\/1\.1 413 /);
  socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [next] = (await once(socket, 'data')) as [Buffer];
  t.match(next.toString(), /^HTTP\/1\.1 200 /, 'the connection goes on');
  socket.destroy();
});

t.test('by one that is refused in the middle of its body', async (t) => {
  const { server } = await start(t);
  for (const connection of ['close', 'keep-alive']) {
    const socket = connect(server.port, '127.0.0.1');
    const headers = { authorization: 'Bearer k', connection, 'transfer-encoding': 'chunked' };
    const chunk = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
    const answer = await writeThenRead(socket, { head: headOf('/v1/completions', headers), piece: chunk });
    t.match(answer, /^HTTP\/1\.1 4(00|13) /, connection);
    socket.destroy();
  }
});

t.test('by fetch and undici', async (t) => {
  const { url } = await start(t);
  const body = Buffer.alloc(size, ' ');
  for (const [name, { path, headers, status }] of Object.entries(refused)) {
    const fetched = await fetch(url + path, { method: 'POST', headers, body });
    t.equal(fetched.status, status, `${name}, fetch`);
    t.match(await fetched.json(), { error: { message: String } });
    const closing = await request(url + path, { method: 'POST', headers, body, reset: true });
    t.equal(closing.statusCode, status, `${name}, undici on a connection of its own`);
    t.match(await closing.body.json(), { error: { message: String } });
  }
});

t.test('but not for ever', async (t) => {
  const server = createServer((_, outgoing) => void outgoing.writeHead(413).end('{"error"')).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  lingerBehindRefusals(server, { idle: 50, longest: 300, bytes: 2 ** 20 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const head = headOf('/', { 'content-length': String(2 ** 40) });
  for (const [name, ms, sent] of [
    ['that stops', 0, ''],
    ['that goes on and on', 20, 'a'],
    ['that sends too much', 5, 'a'.repeat(2 ** 18)],
  ] as const) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.write(head);
    const timer = ms === 0 ? null : setInterval(() => socket.write(sent), ms);
    socket.resume();
    await until(() => socket.closed);
    if (timer !== null) clearInterval(timer);
    t.pass(name);
  }
});
