/** How many objects of a class a running server holds, from the snapshot that it writes on SIGUSR2. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerProcess } from './server-process.ts';

/** Node's flags for the server: snapshots go to `directory`. */
export function snapshotFlags(directory: string): string[] {
  return ['--heapsnapshot-signal=SIGUSR2', `--diagnostic-dir=${directory}`];
}

/** What a request is made of on the HTTP thread; whatever is kept of a past one shows in one of these. */
const classes = [
  'IncomingMessage',
  'ServerResponse',
  'Socket',
  'Request',
  'Response',
  'ReadableStream',
  'AbortController',
  'AbortSignal',
  'Timeout',
  'OpenRequest',
  'OutputQueue',
  'TextAssembler',
  'AnswerParser',
];

interface Snapshot {
  readonly snapshot: { readonly meta: { readonly node_fields: string[]; readonly node_types: [string[]] } };
  readonly nodes: number[];
  readonly strings: string[];
}

/** Live objects by class (the snapshot collects garbage first), and the size of the whole heap in MB. */
export async function countObjects(server: ServerProcess, directory: string): Promise<Record<string, number>> {
  server.signal('SIGUSR2');
  const file = await written(server, directory);
  const { snapshot, nodes, strings } = JSON.parse(readFileSync(file, 'utf8')) as Snapshot;
  rmSync(file);
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field));
  const object = types[0].indexOf('object');
  const counts: Record<string, number> = Object.fromEntries(classes.map((c) => [c, 0]));
  let bytes = 0;
  for (let i = 0; i < nodes.length; i += fields.length) {
    bytes += nodes[i + size];
    const label = strings[nodes[i + name]];
    if (nodes[i + type] === object && label in counts) counts[label]++;
  }
  return { ...counts, heapMB: Math.round((bytes / 2 ** 20) * 10) / 10 };
}

/** It is written in one go on the HTTP thread: once the file is there and the server answers again, it is whole. */
async function written(server: ServerProcess, directory: string): Promise<string> {
  for (let i = 0; i < 240; i++) {
    await sleep(500);
    await fetch(`${server.url}/liveness`);
    const name = readdirSync(directory).find((n) => n.endsWith('.heapsnapshot'));
    if (name !== undefined) {
      await fetch(`${server.url}/liveness`);
      return join(directory, name);
    }
  }
  throw new Error('The server wrote no heap snapshot within two minutes.');
}
