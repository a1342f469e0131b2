/** What Dawn says of this machine, found out in a process of its own: a broken driver may crash the one that asks. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { AdapterFacts } from '../../engine/running/adapter-facts.ts';
import { moduleUrl } from '../../module-url.ts';

/** What the probe process prints as its last line. */
export interface AdapterReport {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  /** The driver and its version. */
  readonly description: string;
  readonly subgroupSizes: readonly [min: number, max: number] | null;
  /** e.g. `f16→f32 16x16x16`. */
  readonly subgroupMatrices: readonly string[];
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  /** What the engine's plan goes by. */
  readonly facts: AdapterFacts;
  /** Names of all adapters, as `--device` takes them. */
  readonly all: readonly string[];
}

export type AdapterAnswer =
  { readonly ok: true; readonly adapter: AdapterReport } | { readonly ok: false; readonly reason: string };

// Under the test runner the probe is TypeScript and needs the same loader.
const probe = fileURLToPath(moduleUrl('./adapter-probe.ts', import.meta.url));
const loader = probe.endsWith('.ts') ? process.execArgv : [];

/** @param env variables for the probe, such as VK_DRIVER_FILES */
export function askAdapter(env: NodeJS.ProcessEnv = process.env, timeoutMs = 60_000): Promise<AdapterAnswer> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...loader, probe], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      env,
    });
    let [out, errors] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.on('error', (error) => resolve({ ok: false, reason: error.message }));
    child.on('close', (code, signal) => resolve(answerOf(out, errors, code, signal)));
  });
}

function answerOf(out: string, errors: string, code: number | null, signal: string | null): AdapterAnswer {
  const last = out.trim().split('\n').at(-1) ?? '';
  if (code === 0 && last.startsWith('{')) return { ok: true, adapter: JSON.parse(last) as AdapterReport };
  if (signal === 'SIGTERM') return { ok: false, reason: 'the driver did not answer' };
  if (signal) return { ok: false, reason: `the driver crashed (${signal})` };
  return { ok: false, reason: errors.trim().split('\n').at(-1) || `the probe ended with code ${code}` };
}
