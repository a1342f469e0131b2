/** The command line as a process of its own, from the sources, with the loader and nothing else of the test's. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { json } from './wire.ts';

/** What `node` is called with. */
export const cliCommand: readonly string[] = [
  '--import',
  new URL('./typescript-loader.mjs', import.meta.url).href,
  fileURLToPath(new URL('../../src/cli.ts', import.meta.url)),
];

export interface Run {
  readonly child: ChildProcess;
  readonly output: { out: string; err: string };
  readonly code: Promise<number | null>;
}

export function startCli(args: readonly string[], input?: string): Run {
  const child = spawn(process.execPath, [...cliCommand, ...args], { stdio: 'pipe' });
  const output = { out: '', err: '' };
  child.stdout.on('data', (data: Buffer) => (output.out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output.err += data.toString()));
  child.stdin.end(input);
  return { child, output, code: new Promise((resolve) => child.on('close', resolve)) };
}

/** `dawnlight serve` once it answers; it is gone after the test. Activations are f32, so that greedy answers are steady. */
export async function serve(t: Test, args: readonly string[]): Promise<Run & { url: string }> {
  const run = startCli(['serve', '--activation_dtype', 'f32', ...args]);
  t.teardown(() => run.child.kill('SIGKILL'));
  while (!run.output.out.includes('serving')) {
    if (run.child.exitCode !== null) throw new Error(run.output.err);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { ...run, url: /serving +(http:\S+)\/v1/.exec(run.output.out)![1] };
}

/** Waits until the server at `url` runs nothing and no request holds a KV slot; tap's timeout is the bound. */
export async function untilIdle(url: string): Promise<void> {
  for (;;) {
    const { current_load: load } = await json(await fetch(`${url}/token_load`));
    const metrics = await (await fetch(`${url}/metrics`)).text();
    if (load === 0 && /^vllm:num_requests_running\{.*\} 0$/m.test(metrics)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
