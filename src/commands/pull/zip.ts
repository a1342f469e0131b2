/** One member of a zip archive as a stream. */
import type { Readable } from 'node:stream';
import yauzl from 'yauzl';
import { EngineError } from '../../errors.ts';

/** @throws EngineError download_failed when the archive is damaged or has no such member */
export async function openZipMember(path: string, member: string): Promise<Readable> {
  const damaged = (what: string, cause?: unknown) => new EngineError('download_failed', `${path}: ${what}`, { cause });
  try {
    const archive = await yauzl.openPromise(path, { autoClose: false });
    try {
      for await (const entry of archive.eachEntry()) {
        if (entry.fileName === member) return await archive.openReadStreamPromise(entry);
      }
    } finally {
      // The file stays open as long as a member is read.
      archive.close();
    }
  } catch (error) {
    throw damaged((error as Error).message, error);
  }
  throw damaged(`no member ${member}`);
}
