/** Endpoints with their schemas: what is registered here is what runs and what /openapi.json describes. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { HttpBindings } from '@hono/node-server';
import type { Context, Hono } from 'hono';
import type { z } from 'zod';
import { EngineError } from '../../errors.ts';
import { stopAtFirstIssue } from './first-issue.ts';
import { type BodyLimits, BodyReader } from './read-body.ts';
import { validate } from './validate.ts';

export interface EndpointDoc {
  readonly method: 'get' | 'post';
  /** Hono's path syntax. */
  readonly path: string;
  readonly summary: string;
  readonly tag: 'OpenAI' | 'LightLLM' | 'Anthropic' | 'Tokens' | 'Server';
  readonly body?: z.ZodType;
  /** A body that is answered with 200 as it is, for /docs and /openapi.json. */
  readonly example?: unknown;
  /** Schema of the JSON answer, or the content type of another kind of answer. */
  readonly response: z.ZodType | string;
  /** Schema of one event's data where the answer may be a stream. */
  readonly event?: z.ZodType;
}

type BodyOf<D extends EndpointDoc> = D['body'] extends z.ZodType ? z.output<D['body']> : undefined;

export class Api {
  readonly app: Hono;
  readonly endpoints: EndpointDoc[] = [];
  readonly #bodies: BodyReader;

  constructor(app: Hono, limits: BodyLimits) {
    this.app = app;
    this.#bodies = new BodyReader(limits);
  }

  add<D extends EndpointDoc>(doc: D, handler: (c: Context, body: BodyOf<D>) => Response | Promise<Response>): void {
    this.endpoints.push(doc);
    if (doc.body !== undefined) stopAtFirstIssue(doc.body);
    this.app.on(doc.method.toUpperCase(), doc.path, async (c) => {
      const body = doc.body === undefined ? undefined : validate(doc.body, await readJson(c, this.#bodies));
      return handler(c, body as BodyOf<D>);
    });
  }

  /** Methods that a path answers to, for 405 and its Allow header. */
  allowedMethods(path: string): string[] {
    const methods = this.endpoints.filter((e) => toRegExp(e.path).test(path)).map((e) => e.method.toUpperCase());
    return [...new Set(methods.flatMap((m) => (m === 'GET' ? ['GET', 'HEAD'] : [m])))];
  }
}

/** Hono's `/a/:id{.+}` as a regular expression. */
function toRegExp(path: string): RegExp {
  return new RegExp(`^${path.replace(/:\w+\{(.+?)\}/g, '($1)').replace(/:\w+/g, '[^/]+')}$`);
}

/** Characters. */
const LARGE = 2 ** 18;

async function readJson(c: Context, bodies: BodyReader): Promise<unknown> {
  const encoding = c.req.header('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    const message = `Expected a body that is not compressed, got "content-encoding: ${encoding}".`;
    throw new EngineError('unsupported_media_type', message);
  }
  const type = c.req.header('content-type') ?? '';
  if (type !== '' && !/^application\/([\w.-]+\+)?json\b/i.test(type)) {
    const message = `Expected "content-type: application/json", got ${JSON.stringify(type)}.`;
    throw new EngineError('unsupported_media_type', message);
  }
  const { incoming, outgoing } = c.env as HttpBindings;
  const text = await bodies.read(incoming, outgoing);
  // A large body takes a while to parse, and a while to check: others come in between.
  if (text.length > LARGE) await nextTurn();
  try {
    const value = JSON.parse(text) as unknown;
    if (text.length > LARGE) await nextTurn();
    return value;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('invalid_request', `The body is not valid JSON: ${reason}`, { cause });
  }
}
