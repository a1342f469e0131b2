/**
 * Ends this process when it runs too long, from a thread of its own: a driver that hangs, or compiles for minutes, does so
 * inside a call that holds the main thread, where no timer runs. The results file gets a line about it first.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

interface Watch {
  readonly file: string | undefined;
  readonly ms: number;
}

export function startWatchdog(watch: Watch): void {
  new Worker(fileURLToPath(import.meta.url), { workerData: watch }).unref();
}

function end({ file, ms }: Watch): void {
  const message = `ended after ${Math.round(ms / 1000)} s in the middle of a part`;
  if (file) {
    const found = existsSync(file) ? readFileSync(file, 'utf8') : '{"errors":[]}';
    const results = JSON.parse(found) as { errors: string[] };
    results.errors.push(message);
    writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
  }
  // The main thread cannot be asked to exit.
  process.kill(process.pid, 'SIGKILL');
}

if (!isMainThread) setTimeout(() => end(workerData as Watch), (workerData as Watch).ms);
