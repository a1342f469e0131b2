/** `dawnlight serve` as a process of its own: started, watched from outside, stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

export interface Slots {
  readonly running: number;
  readonly waiting: number;
  /** Slots that requests hold; free and cached ones are the rest. */
  readonly used: number;
  readonly cached: number;
}

export class ServerProcess {
  readonly url: string;
  /** What it runs on, as it announced it. */
  readonly adapter: string;
  readonly pid: number;
  /** What it wrote to stderr. */
  readonly log: string[];
  readonly #child: ChildProcess;

  private constructor(url: string, adapter: string, child: ChildProcess, log: string[]) {
    this.url = url;
    this.adapter = adapter;
    this.pid = child.pid!;
    this.log = log;
    this.#child = child;
  }

  /** @param nodeFlags before the program, `flags` behind `serve` */
  static start(flags: readonly string[], nodeFlags: readonly string[] = []): Promise<ServerProcess> {
    const child = spawn(process.execPath, [...nodeFlags, cli, 'serve', '--port', '0', '--no-tiered-start', ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    process.once('exit', () => child.kill('SIGKILL'));
    const log: string[] = [];
    child.stderr.on('data', (data: Buffer) => log.push(data.toString()));
    return new Promise((resolve, reject) => {
      let out = '';
      child.stdout.on('data', (data: Buffer) => {
        out += data.toString();
        const url = /serving\s+(http:\S+)\/v1/.exec(out)?.[1];
        const adapter = /^adapter\s+(.*)$/m.exec(out)?.[1] ?? 'unknown';
        if (url !== undefined) resolve(new ServerProcess(url, adapter, child, log));
      });
      child.once('exit', (code) => reject(new Error(`The server ended with ${code}: ${log.join('')}`)));
    });
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resident memory in MB (Linux). */
  rss(): number {
    const kB = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1];
    return Number(kB) / 1024;
  }

  async slots(): Promise<Slots> {
    const page = await (await fetch(`${this.url}/metrics`)).text();
    const value = (name: string): number => Number(new RegExp(`^${name}{.*} (.+)$`, 'm').exec(page)?.[1]);
    return {
      running: value('vllm:num_requests_running'),
      waiting: value('vllm:num_requests_waiting'),
      used: value('vllm:kv_cache_usage_perc'),
      cached: value('lightllm_cache_length'),
    };
  }

  /** Waits until no request runs or waits; throws after `seconds`. */
  async untilIdle(seconds = 60): Promise<Slots> {
    for (let i = 0; i < seconds * 10; i++) {
      const slots = await this.slots();
      if (slots.running + slots.waiting === 0) return slots;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`Requests still run after ${seconds} s: ${JSON.stringify(await this.slots())}`);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** SIGTERM; fulfilled with the exit code. */
  stop(): Promise<number | null> {
    if (!this.isAlive) return Promise.resolve(this.#child.exitCode);
    const ended = new Promise<number | null>((resolve) => this.#child.once('exit', resolve));
    this.signal('SIGTERM');
    return ended;
  }
}
