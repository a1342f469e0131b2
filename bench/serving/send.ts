/** One request: sent, its stream read to the end, and the time of each piece. A request that fails says why; it never throws. */
import { Agent, request as undici } from 'undici';
import type { Api, BodyOptions, ServingRequest } from './apis.ts';
import type { Clock } from './clock.ts';

export interface Reply {
  readonly status: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Posts JSON. Tests bring a server of their own in its place. */
export type Post = (path: string, body: object) => Promise<Reply>;

export interface Outcome {
  /** Why it failed; null when it did not. */
  readonly error: string | null;
  /** Milliseconds of the clock. */
  readonly startTime: number;
  /** Milliseconds from the start to the first piece with text. */
  readonly ttft: number;
  /** Milliseconds between pieces with text. */
  readonly itl: readonly number[];
  /** Milliseconds from the start to the last piece with text. */
  readonly latency: number;
  /** What the server counted, else null. */
  readonly promptTokens: number | null;
  readonly outputTokens: number;
  /** Where outputTokens comes from. */
  readonly counted: 'usage' | 'chunks';
}

/** Longest piece of a refusal that is kept: the same refusals are counted together. */
const ERROR_LENGTH = 200;

export interface Target {
  readonly api: Api;
  readonly options: BodyOptions;
  readonly post: Post;
}

export async function send({ api, options, post }: Target, request: ServingRequest, clock: Clock): Promise<Outcome> {
  const startTime = clock.now();
  const times: number[] = [];
  const known: { promptTokens?: number; outputTokens?: number; isLast?: boolean; error?: string } = {};
  try {
    const { status, body } = await post(api.path, api.body(request, options));
    if (status !== 200) throw new Error(`HTTP ${status}: ${await start(body)}`);
    for await (const data of events(body)) {
      const { hasToken, ...news } = api.read(data);
      if (hasToken) times.push(clock.now() - startTime);
      Object.assign(known, news);
      if (known.error !== undefined) throw new Error(known.error);
      if (known.isLast) break;
    }
    if (!known.isLast) throw new Error('the stream ended before the answer did');
    if (times.length === 0) throw new Error('the answer has no text');
  } catch (error) {
    known.error = (error instanceof Error ? error.message : String(error)).slice(0, ERROR_LENGTH);
  }
  return {
    error: known.error ?? null,
    startTime,
    ttft: times[0] ?? NaN,
    itl: times.slice(1).map((time, i) => time - times[i]),
    latency: times.at(-1) ?? NaN,
    promptTokens: known.promptTokens ?? null,
    outputTokens: known.outputTokens ?? times.length,
    counted: known.outputTokens === undefined ? 'chunks' : 'usage',
  };
}

/** What stands behind `data:` of each server-sent event, as it comes. */
async function* events(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of body) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data:')) yield line.slice('data:'.length).trim();
  }
}

async function start(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of body) text += decoder.decode(piece, { stream: true });
  return text.trim();
}

/** Where paths begin: /v1 and slashes behind it are left out. */
export function rootOf(url: string): string {
  return url.replace(/\/+$/, '').replace(/\/v1$/, '');
}

/** To a server elsewhere. */
export function postTo(url: string, apiKey: string | null, timeoutSeconds: number): Post {
  // No limit of its own but the request's: the first token may be long in coming.
  const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  const headers = { 'content-type': 'application/json', ...(apiKey === null ? {} : bearer(apiKey)) };
  return async (path, body) => {
    const signal = AbortSignal.timeout(timeoutSeconds * 1000);
    const options = { method: 'POST', headers, body: JSON.stringify(body), dispatcher, signal } as const;
    const reply = await undici(rootOf(url) + path, options);
    return { status: reply.statusCode, body: reply.body };
  };
}

export const bearer = (apiKey: string) => ({ authorization: `Bearer ${apiKey}` });
