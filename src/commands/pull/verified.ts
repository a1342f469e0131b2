/**
 * Which sha256 a downloaded file was found to have, kept beside it as `NAME.sha256` (as sha256sum writes it), so that a large
 * file is read once and not at each pull.
 */
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { matches, sizeOf, type Expected } from './fetch-file.ts';

const noteOf = (path: string): string => `${path}.sha256`;

/**
 * Whether the file is what is expected, by its content: that of a small one, or what was found of a large one.
 * @param onRead called before a large file is read
 */
export async function isCurrent(path: string, expected: Expected, onRead: () => void): Promise<boolean> {
  const { bytes, sha256 } = expected;
  if ((await sizeOf(path)) !== bytes) return false;
  if (sha256 === undefined) return matches(path, expected);
  const known = await noted(path);
  if (known !== null) return known === sha256;
  onRead();
  if (!(await matches(path, expected))) return false;
  await note(path, sha256);
  return true;
}

/** Keeps what was found. It only saves time: where it cannot be written, the file is read again. A link is not followed. */
export async function note(path: string, sha256: string): Promise<void> {
  const file = noteOf(path);
  await rm(file, { force: true })
    .then(() => writeFile(file, `${sha256}  ${basename(path)}\n`, { flag: 'wx' }))
    .catch(() => {});
}

/** null where nothing was found yet, or the file was written to since. */
async function noted(path: string): Promise<string | null> {
  try {
    const [file, ofNote, text] = await Promise.all([stat(path), stat(noteOf(path)), readFile(noteOf(path), 'utf8')]);
    return ofNote.mtimeMs < file.mtimeMs ? null : (/^[0-9a-f]{64}(?= )/.exec(text)?.[0] ?? null);
  } catch {
    return null;
  }
}
