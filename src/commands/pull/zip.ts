/** One member of a zip archive as a stream. Source: PKWARE's APPNOTE.TXT (§4.3.7 local header, §4.3.12 directory). */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { EngineError } from '../../errors.ts';

const endOfDirectory = 0x06054b50;
const directoryEntry = 0x02014b50;

/** @throws EngineError download_failed when the archive is damaged or has no such member */
export async function openZipMember(path: string, member: string): Promise<Readable> {
  const damaged = (what: string) => new EngineError('download_failed', `${path}: ${what}`);
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const read = async (position: number, length: number): Promise<Buffer> => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
      if (bytesRead < length) throw damaged('the archive is cut short');
      return buffer;
    };
    // The end record is 22 bytes and a comment of at most 64 KiB.
    const tail = await read(Math.max(0, size - 22 - 0xffff), Math.min(size, 22 + 0xffff));
    const at = tail.lastIndexOf(Buffer.from(Uint32Array.of(endOfDirectory).buffer));
    if (at < 0) throw damaged('not a zip archive');
    const directory = await read(tail.readUInt32LE(at + 16), tail.readUInt32LE(at + 12));
    const entry = findEntry(directory, member);
    if (!entry) throw damaged(`no member ${member}`);
    const header = await read(entry.offset, 30);
    const start = entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
    const stored = createReadStream(path, { start, end: start + entry.compressedSize - 1, highWaterMark: 1 << 20 });
    if (entry.method === 0) return stored;
    if (entry.method !== 8) throw damaged(`compression method ${entry.method} is not supported`);
    const inflated = createInflateRaw();
    stored.on('error', (error) => inflated.destroy(error));
    return stored.pipe(inflated);
  } finally {
    await file.close();
  }
}

function findEntry(directory: Buffer, member: string) {
  for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === directoryEntry;) {
    const nameLength = directory.readUInt16LE(at + 28);
    const name = directory.toString('utf8', at + 46, at + 46 + nameLength);
    if (name === member) {
      return {
        method: directory.readUInt16LE(at + 10),
        compressedSize: directory.readUInt32LE(at + 20),
        offset: directory.readUInt32LE(at + 42),
      };
    }
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return null;
}
