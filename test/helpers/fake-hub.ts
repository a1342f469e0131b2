/** A small Hugging Face hub on a local port: file lists and range requests, with faults on demand. */
import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeHub {
  readonly url: string;
  /** `path@start` of every download request that got an answer, in order. */
  readonly downloads: string[];
  /** Bytes after which the next download connections break, one entry each. */
  readonly cuts: number[];
  /** Before each answer. */
  delayMs: number;
  /** Called at each download. */
  onDownload: () => void;
  /** Sends other bytes than it says. */
  corrupt: boolean;
  close(): Promise<void>;
}

/** @param repos `owner/repo` → path → content */
export async function fakeHub(repos: Readonly<Record<string, Readonly<Record<string, Buffer>>>>): Promise<FakeHub> {
  const server = createServer((request, response) => {
    setTimeout(() => answer(request.url ?? '', request.headers.range, response), hub.delayMs).unref();
  });
  const answer = (url: string, range: string | undefined, response: ServerResponse) => {
    const tree = /^\/api\/models\/([^/]+\/[^/]+)\/tree\//.exec(url);
    const file = /^\/([^/]+\/[^/]+)\/resolve\/[^/]+\/([^?]+)/.exec(url);
    const repo = repos[(tree ?? file)?.[1] ?? ''];
    const content = repo?.[file?.[2] ?? ''];
    if (tree && repo)
      return void response.setHeader('content-type', 'application/json').end(JSON.stringify(list(repo)));
    if (!content) return void response.writeHead(404).end('{"error":"Repository not found"}');
    const [start, end] = /bytes=(\d+)-(\d*)/
      .exec(range ?? '')
      ?.slice(1)
      .map(Number) ?? [0, 0];
    const last = range && end ? end : range && /-0$/.test(range) ? 0 : content.length - 1;
    const probe = range === 'bytes=0-0';
    if (!probe) {
      hub.downloads.push(`${file?.[2]}@${start}`);
      hub.onDownload();
    }
    const body = Buffer.from(content.subarray(start, last + 1));
    if (hub.corrupt) body.fill(0);
    response.writeHead(range ? 206 : 200, {
      etag: `"${createHash('sha256').update(content).digest('hex')}"`,
      'content-length': body.length,
      ...(range ? { 'content-range': `bytes ${start}-${last}/${content.length}` } : {}),
    });
    const cut = probe ? undefined : hub.cuts.shift();
    if (cut === undefined) return void response.end(body);
    response.write(body.subarray(0, cut), () => setTimeout(() => response.destroy(), 20));
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const hub: FakeHub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    downloads: [],
    cuts: [],
    delayMs: 0,
    onDownload: () => {},
    corrupt: false,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return hub;
}

/** Files over 100 bytes are in LFS, as the hub does with large ones. */
function list(repo: Readonly<Record<string, Buffer>>) {
  return Object.entries(repo).map(([path, content]) => {
    const oid = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
    const sha256 = createHash('sha256').update(content).digest('hex');
    const lfs = content.length > 100 ? { lfs: { oid: sha256, size: content.length, pointerSize: 130 } } : {};
    return { type: 'file', path, size: content.length, oid, ...lfs };
  });
}
