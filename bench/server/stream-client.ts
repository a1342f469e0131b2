/** Client process of overhead.ts: takes jobs, streams them all at once, answers when each had its first and last token. */
import { Agent, request } from 'node:http';

export interface StreamJob {
  readonly url: string;
  readonly body: object;
}

/** Milliseconds since the jobs were begun. */
export interface StreamTiming {
  readonly first: number;
  readonly last: number;
}

const agent = new Agent({ keepAlive: true });
/** The first piece of a chat answer is its role: text comes after it. */
const text = /"(content|text)":"[^"]/;

function stream({ url, body }: StreamJob, start: number): Promise<StreamTiming> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const outgoing = request(url, { method: 'POST', agent, headers }, (incoming) => {
      let first = NaN;
      let tail = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (piece: string) => {
        if (Number.isNaN(first) && text.test(piece)) first = performance.now() - start;
        tail = piece.length >= 16 ? piece : tail + piece;
      });
      incoming.on('end', () => {
        const ok = incoming.statusCode === 200 && tail.endsWith('data: [DONE]\n\n') && !Number.isNaN(first);
        if (ok) resolve({ first, last: performance.now() - start });
        else reject(new Error(`${incoming.statusCode}: ${tail}`));
      });
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(body));
  });
}

process.on('message', (jobs: StreamJob[]) => {
  const start = performance.now();
  Promise.all(jobs.map((job) => stream(job, start))).then(
    (timings) => process.send!(timings),
    (error: unknown) => process.send!({ error: String(error) }),
  );
});
