/**
 * Clients that read one byte at a time, that stop reading, and that only stay connected: what they cost the server's
 * memory, and by how much they slow others, in alternating rounds with and without them. All their answers are generated
 * before the others are timed: what is measured is what their connections cost, not their share of the engine.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../helpers/machine.ts';
import { HttpClient } from './http-client.ts';
import { ServerProcess } from './server-process.ts';
import { writeTinyModel } from './tiny-model.ts';

/** Seconds; longer than a round. */
const readerTimeout = 60;
const flags = [
  '--served_model_name',
  'tiny',
  '--max_total_token_num',
  '32768',
  '--reader_timeout',
  String(readerTimeout),
];
const others = 8;

export interface SlowReaderOptions {
  readonly idle: number;
  readonly slow: number;
  readonly stopped: number;
  readonly rounds: number;
}

export async function slowReaders({ idle, slow, stopped, rounds }: SlowReaderOptions) {
  const server = await ServerProcess.start(['--model_dir', writeTinyModel(), ...flags]);
  const client = new HttpClient(server.port);
  await timeOthers(client);
  const alone: number[] = [];
  const among: number[] = [];
  const memory: { before: number; idle: number; slow: number; stopped: number; after: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    alone.push(await timeOthers(client));
    const before = server.rss();
    const idleSockets = await Promise.all(Array.from({ length: idle }, () => idleConnection(server.port)));
    const withIdle = server.rss();
    const slowSockets = await open(server, slow, readOneByte);
    const withSlow = server.rss();
    const stoppedSockets = await open(server, stopped, (socket) => void socket.pause());
    const withStopped = server.rss();
    among.push(await timeOthers(client));
    const stillOpen = [...idleSockets, ...slowSockets, ...stoppedSockets].filter((s) => !s.closed).length;
    if (stillOpen < idle + slow + stopped) throw new Error(`only ${stillOpen} of the disturbers are connected`);
    for (const socket of [...idleSockets, ...slowSockets, ...stoppedSockets]) socket.destroy();
    await sleep(500);
    memory.push({ before, idle: withIdle, slow: withSlow, stopped: withStopped, after: server.rss() });
  }
  client.close();
  const { used } = await server.untilIdle();
  const exitCode = await server.stop();
  const ratio = median(among.map((ms, i) => ms / alone[i]));
  const passed = ratio <= 1.1 && exitCode === 0 && used === 0;
  return {
    mode: 'sse',
    idle,
    slow,
    stopped,
    rounds,
    othersMs: { alone, among },
    ratio,
    memoryMB: memory,
    exitCode,
    passed,
  };
}

/** Milliseconds that some ordinary streams take together. */
async function timeOthers(client: HttpClient): Promise<number> {
  const body = { prompt: 'Once upon a time', max_tokens: 200, temperature: 0, ignore_eos: true, stream: true };
  const start = performance.now();
  const answers = await Promise.all(
    Array.from({ length: others }, () => client.send({ path: '/v1/completions', body })),
  );
  if (answers.some((a) => a?.status !== 200)) throw new Error(`others were refused: ${answers[0]?.text}`);
  return performance.now() - start;
}

/** A connection that asked something once and then stays. */
function idleConnection(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', reject);
    socket.write('GET /liveness HTTP/1.1\r\nHost: localhost\r\n\r\n');
    socket.once('data', () => resolve(socket));
  });
}

/** Streams with more bytes than the kernel buffers for a socket; fulfilled when the engine has nothing left to do. */
async function open(server: ServerProcess, count: number, read: (socket: Socket) => void): Promise<Socket[]> {
  const body = JSON.stringify({
    prompt: 'Once upon a time',
    n: 4,
    max_tokens: 600,
    temperature: 1,
    ignore_eos: true,
    logprobs: 20,
    stream: true,
  });
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
    socket.write(
      `POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    read(socket);
    return socket;
  });
  await sleep(500);
  await server.untilIdle(300);
  return sockets;
}

/** Takes one byte every 20 ms. */
function readOneByte(socket: Socket): void {
  socket.pause();
  const timer = setInterval(() => void socket.read(1), 20);
  socket.once('close', () => clearInterval(timer));
}
