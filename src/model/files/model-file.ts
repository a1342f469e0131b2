/** Positioned reads from one file, each checked against its size: nothing here trusts a length found in a file. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { EngineError, oneLine } from '../../errors.ts';

export class ModelFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly #fd: number;

  constructor(path: string) {
    this.path = path;
    try {
      this.#fd = openSync(path, 'r');
    } catch (error) {
      throw notReadable(path, reason(error), error);
    }
    const stat = fstatSync(this.#fd);
    if (!stat.isFile()) {
      this.close();
      throw notReadable(path, 'is not a file');
    }
    this.size = stat.size;
  }

  /** Fills `into` from `position` on; model_not_readable when the file ends before. */
  readInto(into: Uint8Array, position: number): void {
    let done = 0;
    while (done < into.length) {
      // Linux gives at most 2 GiB - 4 KiB a call.
      const length = Math.min(into.length - done, 1 << 30);
      const n = this.#readSome(into, done, length, position + done);
      if (n === 0)
        throw notReadable(this.path, `ends at byte ${this.size}, inside bytes ${position}–${position + into.length}`);
      done += n;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #readSome(into: Uint8Array, offset: number, length: number, position: number): number {
    try {
      return readSync(this.#fd, into, offset, length, position);
    } catch (error) {
      throw notReadable(this.path, reason(error), error);
    }
  }
}

/** Bytes. A config has some kilobytes, the index of a thousand shards some megabytes; parsed they take ten times as much. */
const MAX_JSON = 1 << 25;

/** A small JSON file of a model directory, parsed. */
export function readJsonFile(path: string): unknown {
  const file = new ModelFile(path);
  try {
    if (file.size > MAX_JSON) throw notReadable(path, `has ${file.size} bytes; at most ${MAX_JSON} are read`);
    const bytes = Buffer.alloc(file.size);
    file.readInto(bytes, 0);
    return parseJson(bytes.toString('utf8'), path);
  } finally {
    file.close();
  }
}

export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw notReadable(path, `is not valid JSON (${reason(error)})`, error);
  }
}

export function notReadable(path: string, what: string, cause?: unknown): EngineError {
  return new EngineError('model_not_readable', `${path}: ${oneLine(what)}`, { cause });
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'no such file';
  return code === 'EACCES' ? 'permission denied' : error.message;
}
