/** Names that come from outside, before they become paths on this machine. */
import { join } from 'node:path';
import { EngineError, oneLine } from '../../errors.ts';

/** Plain on every system: no separator but `/`, no drive, nothing that a terminal obeys, no `.` and `..`. */
const SEGMENT = /^(?!\.{1,2}$)[^/\\:\p{Cc}\u2028\u2029]{1,255}$/u;

/** Whether `path` is relative and stays below the directory that it is joined to, on every system. */
export function isSafePath(path: string): boolean {
  return path.length <= 1024 && path.split('/').every((segment) => SEGMENT.test(segment));
}

/**
 * @param path relative, with `/`, as a hub lists it
 * @throws EngineError download_failed when it leads out of the directory, or may do so elsewhere
 */
export function pathInside(directory: string, path: string): string {
  if (isSafePath(path)) return join(directory, ...path.split('/'));
  const shown = oneLine(JSON.stringify(path));
  throw new EngineError(
    'download_failed',
    `${shown} is not the name of a file inside a repository; nothing is fetched`,
  );
}
