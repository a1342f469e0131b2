/** Two servers with the default model and sglang-router before them, each a process of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';

const cli = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

export class Replica {
  readonly url: string;
  readonly #child: ChildProcess;

  constructor(port: number, model: string) {
    this.url = `http://127.0.0.1:${port}`;
    // Greedy answers are compared, so activations are exact.
    const flags = '--activation_dtype f32 --max_total_token_num 4096 --running_max_req_size 8 --batch_max_tokens 256';
    const names = ['--port', String(port), '--served_model_name', model];
    this.#child = start(process.execPath, [cli, 'serve', ...names, ...flags.split(' ')]);
  }

  kill(signal: 'SIGKILL' | 'SIGTERM'): void {
    this.#child.kill(signal);
  }

  /** The value of one line of /metrics. */
  async metric(name: string): Promise<number> {
    const page = await (await fetch(`${this.url}/metrics`)).text();
    return Number(new RegExp(`^${name}\\{.*\\} (\\S+)$`, 'm').exec(page)?.[1] ?? NaN);
  }

  requests(): Promise<number> {
    return this.metric('lightllm_request_count');
  }

  running(): Promise<number> {
    return this.metric('vllm:num_requests_running');
  }
}

export interface Fleet {
  readonly replicas: readonly [Replica, Replica];
  readonly client: OpenAI;
  stop(): void;
}

export const MODEL = 'small';

export async function startFleet(): Promise<Fleet> {
  const python = execFileSync(process.execPath, ['scripts/python.mjs', 'bench/router/requirements.txt'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  })
    .trim()
    .split('\n')
    .at(-1)!;
  const [first, second, port, metricsPort] = await freePorts(4);
  const replicas = [new Replica(first, MODEL), new Replica(second, MODEL)] as const;
  await Promise.all(replicas.map((replica) => answers(`${replica.url}/health`)));
  const urls = replicas.map((replica) => replica.url);
  // One failure takes a replica out, so that the router's own retries go to the other; the health check brings it back.
  const breaker = ['--cb-failure-threshold', '1', '--health-check-interval-secs', '2'];
  const flags = [
    ...breaker,
    '--policy',
    'cache_aware',
    '--host',
    '127.0.0.1',
    '--port',
    port,
    '--prometheus-port',
    metricsPort,
  ];
  const router = start(python, ['-m', 'sglang_router.launch_router', '--worker-urls', ...urls, ...flags.map(String)]);
  const url = `http://127.0.0.1:${port}`;
  // It answers before it knows its replicas.
  await answers(`${url}/v1/models`, MODEL);
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
  const stop = (): void => {
    router.kill();
    replicas.forEach((replica) => replica.kill('SIGTERM'));
  };
  return { replicas, client, stop };
}

function start(command: string, args: string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  process.on('exit', () => child.kill());
  let errors = '';
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  child.on('exit', (code) => {
    if (code !== null && code !== 0) process.stderr.write(errors);
  });
  return child;
}

/** Waits until `url` answers 200 with a body that contains `text`. */
async function answers(url: string, text = ''): Promise<void> {
  for (const end = Date.now() + 900_000; Date.now() < end; await sleep(200)) {
    const body = await fetch(url, { signal: AbortSignal.timeout(2000) })
      .then((response) => (response.ok ? response.text() : null))
      .catch(() => null);
    if (body?.includes(text)) return;
  }
  throw new Error(`${url} did not answer within a quarter of an hour`);
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
