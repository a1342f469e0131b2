/**
 * Thousands of short requests with everything that clients do wrong, against the real server and engine over a tiny
 * model: nothing crashes, hangs or leaks, and every refusal has its status.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { random } from '../../test/helpers/random.ts';
import { median } from '../helpers/machine.ts';
import { countObjects, snapshotFlags } from './heap-snapshot.ts';
import { HttpClient } from './http-client.ts';
import { ServerProcess } from './server-process.ts';
import { faultOf, randomRequest } from './soak-requests.ts';
import { writeTinyModel } from './tiny-model.ts';

/** More clients than run and wait at once, so that the queue is full now and then. */
const clients = 24;
const running = ['--running_max_req_size', '8', '--max_queued_requests', '12'];
const slots = ['--max_total_token_num', '4096', '--max_req_total_len', '1024'];
/** Share of the requests before the first heap snapshot, which shrinks the heap, and until it has its size again. */
const [warmUp, settled] = [0.3, 0.5];
/**
 * V8 lets a thread's old space reach some hundred MB before it first looks for garbage there: a leak and mere patience
 * look the same for tens of thousands of requests. From a small start it collects early.
 */
const v8Flags = ['--initial-old-space-size=16'];
const samples = 40;

export async function soak(count: number, seed: number) {
  const directory = mkdtempSync(join(tmpdir(), 'dawnlight-soak-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const model = writeTinyModel();
  const server = await ServerProcess.start(
    ['--model_dir', model, '--served_model_name', 'tiny', ...running, ...slots],
    [...snapshotFlags(directory), ...v8Flags],
  );
  const book = new Book();
  const next = random(seed);
  const start = performance.now();
  const parts = [warmUp, settled - warmUp, 1 - settled].map((share) => Math.round(count * share));
  await run(server, book, next, parts[0]);
  const before = { slots: await server.untilIdle(), objects: await countObjects(server, directory) };
  await run(server, book, next, parts[1]);
  book.rss.length = 0;
  await run(server, book, next, parts[2]);
  const seconds = Math.round((performance.now() - start) / 1000);
  const after = { slots: await server.untilIdle(), objects: await countObjects(server, directory) };
  const exitCode = await server.stop();
  const tenth = Math.ceil(book.rss.length / 10);
  const [first, last] = [median(book.rss.slice(0, tenth)), median(book.rss.slice(-tenth))];
  return {
    mode: 'soak',
    requests: count,
    seconds,
    seed,
    kinds: Object.fromEntries(book.kinds),
    statuses: Object.fromEntries(book.statuses),
    faults: book.faults.length,
    firstFaults: book.faults.slice(0, 5),
    serverLog: server.log.join('').slice(0, 2000),
    exitCode,
    slotsAfter: after.slots,
    rssMB: {
      series: book.rss.map(Math.round),
      first,
      last,
      ratio: last / first,
      min: Math.min(...book.rss),
      max: Math.max(...book.rss),
    },
    objects: { before: before.objects, after: after.objects },
    passed:
      book.faults.length === 0 &&
      exitCode === 0 &&
      after.slots.used === 0 &&
      Math.abs(last / first - 1) <= 0.05 &&
      Object.entries(after.objects).every(([name, n]) => n <= before.objects[name] + 20),
  };
}

class Book {
  readonly kinds = new Map<string, number>();
  readonly statuses = new Map<string, number>();
  readonly faults: string[] = [];
  readonly rss: number[] = [];

  count(map: Map<string, number>, key: string): void {
    map.set(key, (map.get(key) ?? 0) + 1);
  }
}

/** `count` requests, `clients` at a time. */
async function run(server: ServerProcess, book: Book, random: () => number, count: number): Promise<void> {
  const client = new HttpClient(server.port);
  const every = Math.max(1, Math.floor(count / samples));
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count && server.isAlive) {
      if (next++ % every === 0) book.rss.push(server.rss());
      const request = randomRequest(random);
      book.count(book.kinds, request.kind);
      try {
        const received = await client.send(request.sent);
        book.count(book.statuses, received === null ? 'left' : String(received.status));
        if (received?.status === 429) await sleep(50);
        const fault = received === null ? null : faultOf(request, received);
        if (fault !== null) book.faults.push(`${request.kind}: ${fault}`);
      } catch (error) {
        book.faults.push(`${request.kind}: ${String(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, worker));
  client.close();
  if (!server.isAlive) book.faults.push('the server died');
}
