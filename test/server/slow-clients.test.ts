// Clients that read slowly or not at all, send slowly or not at all: nobody else waits for them, and they do not stay.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { startFakeServer, until } from '../helpers/fake-server.ts';

const chat = { messages: [{ role: 'user', content: 'Hi' }] };

/** Sends a raw request and leaves the socket, which does not read yet, to the caller. */
function rawPost(port: number, path: string, body: unknown): Socket {
  const text = JSON.stringify(body);
  const socket = rawConnect(port);
  socket.pause();
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
  socket.write(`${head}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  return socket;
}

function rawConnect(port: number): Socket {
  return connect(port, '127.0.0.1').on('error', () => undefined);
}

/** What a socket received, as it grows. */
function received(socket: Socket): { text: string } {
  const all = { text: '' };
  socket.on('data', (data) => (all.text += data.toString()));
  return all;
}

t.test('one byte at a time gets everything', async (t) => {
  const { engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.script = () => ({ text: 'abcdefgh'.repeat(400), chunk: 200 });
  const slow = rawPost(server.port, '/v1/chat/completions', { ...chat, stream: true, max_tokens: 4000 });
  let text = '';
  slow.on('readable', () => {
    for (let byte = slow.read(1) as Buffer | null; byte !== null; byte = slow.read(1) as Buffer | null)
      text += byte.toString();
  });
  await until(() => text.includes('[DONE]'));
  t.equal(text.split('abcdefgh').length - 1, 400);
  slow.destroy();
});

/** More than the kernel's socket buffers take. */
const big = { ...chat, n: 48, max_tokens: 1000, logprobs: true, top_logprobs: 20 };

t.test('who stops reading is cut off', async (t) => {
  const log: string[] = [];
  t.capture(console, 'error', (line: string) => log.push(line));
  const { engine, post, server } = await startFakeServer({ readerTimeout: 1 });
  t.teardown(() => server.close());

  await t.test('in the middle of a stream', async (t) => {
    engine.script = () => ({ text: 'x'.repeat(4000), chunk: 1 });
    const stalled = rawPost(server.port, '/v1/chat/completions', { ...big, n: 128, stream: true, max_tokens: 4000 });
    await until(() => engine.calls.length === 128);
    t.equal(
      (await post('/v1/chat/completions', { ...chat, max_tokens: 3 })).status,
      200,
      'others are served meanwhile',
    );
    await until(() => engine.calls.every((c) => c.state !== 'running'));
    const given = engine.calls.slice(0, 128).reduce((sum, c) => sum + c.given, 0);
    t.ok(given < 128 * 3900, `back-pressure stopped generation (${given} tokens)`);
    stalled.destroy();
  });

  // The engine is done with these: only the bytes are left.
  for (const stream of [false, true]) {
    await t.test(stream ? 'in the last event of a stream' : 'in a whole answer', async (t) => {
      engine.script = () => ({ text: 'x'.repeat(1000), chunk: 1000 });
      log.length = 0;
      const stalled = rawPost(server.port, '/v1/chat/completions', { ...big, stream });
      await until(() => log.length > 0);
      t.match(log[0], /^A client left \d+ bytes unread for 1 s/);
      stalled.resume();
      await until(() => stalled.closed);
    });
  }
});

t.test('who waits for the engine longer than the reader timeout is not', async (t) => {
  const { engine, post, server } = await startFakeServer({ readerTimeout: 1 });
  t.teardown(() => server.close());
  engine.script = () => ({ text: 'late', delay: 2200, chunk: 10 });
  t.match(await (await post('/v1/chat/completions', chat)).json(), { choices: [{ message: { content: 'late' } }] });
});

t.test('requests that are never finished end by timeout', async (t) => {
  const log: unknown[] = [];
  t.capture(console, 'error', (line: unknown) => log.push(line));
  const { server, post } = await startFakeServer({ requestTimeout: 1 });
  t.teardown(() => server.close());
  const head = 'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n';
  const cases = {
    'no byte at all': { start: '', more: '' },
    'headers a byte at a time': { start: head, more: 'x' },
    'half a body': { start: `${head}Content-Length: 100\r\n\r\n{`, more: '' },
    'a body a byte at a time': { start: `${head}Content-Length: 1000\r\n\r\n{`, more: ' ' },
    'chunks without an end': { start: `${head}Transfer-Encoding: chunked\r\n\r\n`, more: '1\r\n \r\n' },
  };
  await Promise.all(
    Object.entries(cases).map(async ([name, { start, more }]) => {
      const socket = rawConnect(server.port);
      const reply = received(socket);
      socket.write(start);
      const trickle = setInterval(() => more !== '' && socket.write(more), 50);
      await until(() => socket.closed);
      clearInterval(trickle);
      t.match(reply.text, /^HTTP\/1\.1 408 |^$/, name);
    }),
  );
  t.equal((await post('/v1/chat/completions', chat)).status, 200, 'the server goes on');
  t.same(log, [], 'none of these is a bug of ours');
});

t.test('idle connections cost others nothing', async (t) => {
  const { server, post } = await startFakeServer();
  t.teardown(() => server.close());
  const idle = Array.from({ length: 500 }, () => rawConnect(server.port));
  await until(() => idle.every((s) => !s.connecting));
  t.equal((await post('/v1/chat/completions', chat)).status, 200);
  await sleep(10);
  t.ok(idle.every((s) => !s.closed));
  for (const socket of idle) socket.destroy();
});
