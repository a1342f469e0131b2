/**
 * The unfinished file of a download, `NAME.part`. Every byte is written at the position that its writer counted, and the
 * write is over before anything else happens: a stream that appends may still be writing when its pipeline has failed, and
 * the next try would then ask for bytes that are already there.
 */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { EngineError } from '../../errors.ts';
import { writing } from './disk-errors.ts';

/** Windows has no such flag, and lets nobody make links without being asked. */
const NOFOLLOW = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;

export class PartFile {
  readonly path: string;
  /** Bytes that count: those before this position are written. */
  length: number;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle, length: number) {
    this.path = path;
    this.#file = file;
    this.length = length;
  }

  /** Goes on with what is there. @throws EngineError cache_not_writable, for a symbolic link too */
  static async open(path: string): Promise<PartFile> {
    const flags = constants.O_RDWR | constants.O_CREAT | NOFOLLOW;
    const file = await writing(path, () => open(path, flags, 0o666));
    const stats = await file.stat();
    if (stats.isFile()) return new PartFile(path, file, stats.size);
    await file.close();
    throw new EngineError('cache_not_writable', `cannot write ${path}: it is not a file; remove it`);
  }

  async append(chunk: Uint8Array): Promise<void> {
    await writing(this.path, async () => {
      for (let done = 0; done < chunk.byteLength;) {
        const { bytesWritten } = await this.#file.write(chunk, done, chunk.byteLength - done, this.length);
        done += bytesWritten;
        this.length += bytesWritten;
      }
    });
  }

  /** Cuts off what is behind `length`, whoever wrote it. */
  async close(): Promise<void> {
    try {
      await writing(this.path, () => this.#file.truncate(this.length));
    } finally {
      await this.#file.close();
    }
  }
}
