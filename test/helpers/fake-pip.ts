/** A `python3` for PATH whose pip hands out one prepared wheel. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';

/** A zip archive with one deflated member. */
export function zipOf(name: string, content: Buffer): Buffer {
  const data = deflateRawSync(content);
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(8, 4);
  common.writeUInt32LE(crc32(content), 10);
  common.writeUInt32LE(data.length, 14);
  common.writeUInt32LE(content.length, 18);
  common.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name)]);
  const directory = Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), common, Buffer.alloc(14), Buffer.from(name)]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(local.length + data.length, 16);
  return Buffer.concat([local, data, directory, end]);
}

export interface FakePip {
  /** Says nothing until there is a file `go` in its directory. */
  readonly gated?: boolean;
  /** Fails as without a network. */
  readonly offline?: boolean;
}

/** Writes the program into `directory` and returns the PATH on which only it is found; `log` gets a line for each run. */
export function fakePip(directory: string, wheel: Buffer, { gated = false, offline = false }: FakePip = {}): string {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'wheel'), wheel);
  const program = `#!${process.execPath}
const fs = require('node:fs');
const args = process.argv.slice(2);
if (args.includes('--version')) { console.log('pip 99'); process.exit(0); }
fs.appendFileSync(${JSON.stringify(join(directory, 'log'))}, args.join(' ') + '\\n');
const timer = setInterval(() => {
  if (${gated} && !fs.existsSync(${JSON.stringify(join(directory, 'go'))})) return;
  clearInterval(timer);
  if (${offline}) { console.error('ERROR: No matching distribution found for it'); process.exit(1); }
  console.log('Downloading it-1-py3-none-any.whl');
  fs.copyFileSync(${JSON.stringify(join(directory, 'wheel'))}, args.at(-1) + '/it-1-py3-none-any.whl');
}, 20);
`;
  writeFileSync(join(directory, 'python3'), program, { mode: 0o755 });
  return directory;
}
