/** Another bench of this folder tree in a process of its own: what it prints last, or why there is nothing. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** @param name folder of the bench; its output is passed on. Throws when it fails or runs longer than `timeoutMs`. */
export async function runBench(name: string, args: readonly string[], timeoutMs: number): Promise<unknown> {
  const main = fileURLToPath(new URL(`../${name}/main.js`, import.meta.url));
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'inherit'], timeout: timeoutMs });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    process.stdout.write(chunk);
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve([code, signal]));
  });
  if (signal) throw new Error(`bench/${name} did not end within ${Math.round(timeoutMs / 1000)} s`);
  if (code !== 0) throw new Error(`bench/${name} ended with code ${code}`);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as unknown;
}
