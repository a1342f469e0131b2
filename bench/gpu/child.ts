/** A part of the run in a process of its own: a driver that hangs, crashes or compiles for minutes takes only that part along. */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Outcome {
  /** The last line that was JSON: of a part that was cut short, what it knew by then. */
  readonly result: unknown;
  /** Null when it ended by itself with code 0. */
  readonly error: string | null;
}

let running: ChildProcess | null = null;

/** Ends the part that runs, if one does. */
export function killRunning(): void {
  running?.kill('SIGKILL');
}

/** @param file of this folder's neighbours, such as `engine/main.js`; what it prints is passed on */
export async function runChild(file: string, args: readonly string[], limitMs: number): Promise<Outcome> {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  running = child;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    // SIGKILL, since a thread inside the driver heeds nothing else.
    child.kill('SIGKILL');
  }, limitMs);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    process.stdout.write(chunk);
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.on('error', () => resolve([null, null]));
    child.on('close', (code, signal) => resolve([code, signal]));
  });
  clearTimeout(timer);
  running = null;
  return { result: lastJson(output), error: reason(late, limitMs, code, signal) };
}

function reason(late: boolean, limitMs: number, code: number | null, signal: string | null): string | null {
  if (late) return `ended after its limit of ${Math.round(limitMs / 1000)} s`;
  if (signal) return `crashed with ${signal}`;
  if (code === null) return 'could not be started';
  return code === 0 ? null : `ended with code ${code}`;
}

function lastJson(output: string): unknown {
  for (const line of output.trimEnd().split('\n').reverse()) {
    if (!line.startsWith('{')) continue;
    try {
      return JSON.parse(line) as unknown;
    } catch {
      // Cut in the middle of the line: the one before it counts.
    }
  }
  return undefined;
}
