/** One file, resumed where an earlier try stopped, checked, and only then put in its place. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../../errors.ts';
import { writing } from './disk-errors.ts';
import { PartFile } from './part-file.ts';
import type { Progress } from './progress.ts';

/** What a file must be: its size and its sha256, or git's object id for small files that are not in LFS. */
export interface Expected {
  readonly bytes: number;
  readonly sha256?: string;
  readonly gitSha1?: string;
}

/** Bytes of the file from `offset` on. An EngineError is final; any other error is worth another try. */
export type OpenSource = (offset: number) => Promise<AsyncIterable<Uint8Array>>;

interface FetchOptions {
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Tries in a row without a new byte before giving up. */
  readonly tries?: number;
  /** Pause before the second try, doubled each time. */
  readonly retryDelayMs?: number;
}

/**
 * Downloads to `destination`.part, goes on where that file ends, and renames it when size and checksum are right.
 * @throws EngineError download_failed: no progress after several tries, or the wrong content twice; cache_not_writable
 */
export async function fetchFile(
  destination: string,
  expected: Expected,
  open: OpenSource,
  options: FetchOptions,
): Promise<void> {
  const part = `${destination}.part`;
  await writing(destination, () => mkdir(dirname(destination), { recursive: true }));
  const { resumed } = await complete(part, expected.bytes, open, options);
  if (!(await matches(part, expected))) {
    await rm(part, { force: true });
    // What an interrupted run left may be of another file, or a server may have ignored the range: once more, whole.
    if (resumed) await complete(part, expected.bytes, open, options);
    if (!resumed || !(await matches(part, expected))) {
      await rm(part, { force: true });
      throw new EngineError('download_failed', `${destination}: what was downloaded does not have the right checksum`);
    }
  }
  await rename(part, destination);
}

/** @returns whether anything was there before */
async function complete(path: string, bytes: number, open: OpenSource, options: FetchOptions) {
  const part = await PartFile.open(path);
  const resumed = part.length > 0;
  try {
    await appendUntilComplete(part, bytes, open, options);
  } finally {
    await part.close();
  }
  return { resumed };
}

async function appendUntilComplete(part: PartFile, bytes: number, open: OpenSource, options: FetchOptions) {
  const { signal, tries = 5, retryDelayMs = 500 } = options;
  let failures = 0;
  while (part.length < bytes) {
    signal?.throwIfAborted();
    const before = part.length;
    let problem: unknown;
    try {
      await append(part, bytes, await open(before), options);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof EngineError) throw error; // already final
      problem = error;
    }
    failures = part.length > before ? 0 : failures + 1;
    if (failures >= tries) {
      const reason = problem instanceof Error ? problem.message : 'the server sent nothing';
      throw new EngineError('download_failed', `the download stopped at byte ${part.length} of ${bytes}: ${reason}`, {
        cause: problem,
      });
    }
    if (part.length < bytes && problem !== undefined) await sleep(retryDelayMs * 2 ** failures);
  }
}

/** Never more than `bytes` in all, whatever the server sends. */
async function append(
  part: PartFile,
  bytes: number,
  source: AsyncIterable<Uint8Array>,
  { progress, signal }: FetchOptions,
): Promise<void> {
  progress.update(part.length);
  for await (const chunk of source) {
    signal?.throwIfAborted();
    await part.append(chunk.subarray(0, bytes - part.length));
    progress.update(part.length);
    if (part.length >= bytes) return;
  }
}

/** Whether the file has the expected size and content; a missing file has not. */
export async function matches(path: string, expected: Expected): Promise<boolean> {
  const size = await sizeOf(path);
  if (size !== expected.bytes) return false;
  if (expected.sha256 && (await digest(path, createHash('sha256'))) !== expected.sha256) return false;
  if (expected.gitSha1) {
    const blob = createHash('sha1').update(`blob ${size}\0`);
    if ((await digest(path, blob)) !== expected.gitSha1) return false;
  }
  return true;
}

async function digest(path: string, hash: Hash): Promise<string> {
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** 0 when there is no such file. */
export async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}
