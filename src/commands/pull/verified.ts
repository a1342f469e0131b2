/**
 * Which sha256 a downloaded file was found to have, kept beside it as `.NAME.verified`, so that a large file is read once and
 * not at each pull. The note is believed only of the very file that was read.
 */
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { matches, sizeOf, type Expected } from './fetch-file.ts';

/** What tells a file from another that took its place, or was written over it, with any modification time. */
interface Identity {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
}

const noteOf = (path: string): string => join(dirname(path), `.${basename(path)}.verified`);

/**
 * Whether the file is what is expected, by its content: that of a small one, or what was found of a large one.
 * @param onRead called before a large file is read
 */
export async function isCurrent(path: string, expected: Expected, onRead: () => void): Promise<boolean> {
  const { bytes, sha256 } = expected;
  if ((await sizeOf(path)) !== bytes) return false;
  if (sha256 === undefined) return matches(path, expected);
  const before = await identityOf(path);
  const known = await noted(path, before);
  if (known !== null) return known === sha256;
  onRead();
  if (!(await matches(path, expected))) return false;
  await note(path, sha256, before);
  return true;
}

/**
 * Keeps what was found. It only saves time: where it cannot be written, the file is read again. A link is not followed.
 * @param identity the file's from before it was read
 */
export async function note(path: string, sha256: string, identity: Identity | null): Promise<void> {
  if (identity === null) return;
  const file = noteOf(path);
  await rm(file, { force: true })
    .then(() => writeFile(file, `${JSON.stringify({ sha256, ...identity })}\n`, { flag: 'wx' }))
    .catch(() => {});
}

/** null where there is no file. */
export async function identityOf(path: string): Promise<Identity | null> {
  const stats = await stat(path).catch(() => null);
  if (stats === null) return null;
  const { size, mtimeMs, ctimeMs, ino } = stats;
  return { size, mtimeMs, ctimeMs, ino };
}

/** null where nothing was found yet, or of another file. */
async function noted(path: string, identity: Identity | null): Promise<string | null> {
  try {
    const { sha256, ...of } = JSON.parse(await readFile(noteOf(path), 'utf8')) as Identity & { sha256: string };
    return JSON.stringify(of) === JSON.stringify(identity) ? sha256 : null;
  } catch {
    return null;
  }
}
