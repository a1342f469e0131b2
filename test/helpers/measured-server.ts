/** The parent of measured-server-process.ts: what each request costs the server. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { moduleUrl } from '../../src/module-url.ts';
import type { Attack } from './attack-requests.ts';
import type { Busy, MeasuredOptions } from './measured-server-process.ts';

export interface Cost {
  /** Milliseconds of processor time for which the event loop of the HTTP thread did nothing else. */
  readonly blocked: number;
  /** Milliseconds of processor time of the server and its workers; 0 where /proc does not say. */
  readonly cpu: number;
  /** Bytes of the request. */
  readonly bytes: number;
  /** null when the request was left unfinished. */
  readonly status: number | null;
}

export class MeasuredServer {
  readonly #child: ChildProcess;
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(
    modelDir: string,
    { chatTemplate = null, seconds = 10 }: Partial<MeasuredOptions> = {},
  ): Promise<MeasuredServer> {
    const module = moduleUrl('./measured-server-process.ts', import.meta.url);
    const child = fork(fileURLToPath(module), [JSON.stringify({ modelDir, chatTemplate, seconds })]);
    const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`The server ended with ${code}.`)));
    const [{ port }] = (await Promise.race([once(child, 'message'), failed])) as [{ port: number }];
    failed.catch(() => undefined); // a later end shows in the request that it takes along
    const server = new MeasuredServer(child, port);
    await server.#longest();
    return server;
  }

  async measure(attack: Attack): Promise<Cost> {
    const before = cpuOf(this.#child.pid!);
    const { status, bytes } = await send(this.port, attack);
    const blocked = await this.#longest();
    return { blocked, cpu: cpuOf(this.#child.pid!) - before, bytes, status };
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.disconnect();
    await gone;
  }

  /** Since it was last asked. It answers when it gets a turn. */
  async #longest(): Promise<number> {
    const answer = once(this.#child, 'message') as Promise<[Busy]>;
    this.#child.send('read');
    const [{ longest }] = await answer;
    return longest;
  }
}

/** Sends it whole, or as far as it goes, and reads the answer to its end. */
function send(port: number, attack: Attack): Promise<{ status: number | null; bytes: number }> {
  const { method = 'POST', path, body = '', headers = {}, unfinished = false } = attack;
  const payload = Buffer.from(body);
  const bytes = payload.length + path.length + JSON.stringify(headers).length;
  const all = { 'content-type': 'application/json', ...headers };
  const length = method === 'POST' ? { 'content-length': payload.length + (unfinished ? 1 : 0) } : {};
  return new Promise((resolve, reject) => {
    const outgoing = request({ port, host: '127.0.0.1', method, path, headers: { ...all, ...length }, agent: false });
    outgoing.on('response', (incoming) => {
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? null, bytes })).on('error', reject);
      incoming.resume();
    });
    outgoing.on('error', (error) => (unfinished ? resolve({ status: null, bytes }) : reject(error)));
    outgoing.write(payload, () => {
      if (unfinished) void sleep(100).then(() => outgoing.destroy());
    });
    if (!unfinished) outgoing.end();
  });
}

/** Milliseconds of a process, its children, and those of them that have ended (Linux, in steps of 10). */
function cpuOf(pid: number): number {
  try {
    const fields = statOf(pid);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    const own = fields.slice(0, 4).reduce((sum, ticks) => sum + ticks * 10, 0);
    return children.reduce((sum, child) => sum + cpuOf(Number(child)), own);
  } catch {
    return 0; // it has just ended, or there is no /proc
  }
}

/** utime, stime, cutime, cstime. */
function statOf(pid: number): number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number);
}
