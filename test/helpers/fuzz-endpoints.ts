/**
 * Random requests to every endpoint of an OpenAPI document, right and damaged: no 5xx, no hang, and every answer fits the
 * schema that the document promises for it.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { damaged, valuesOf } from './schema-arbitrary.ts';
import { json, type Json, readEvents } from './wire.ts';

export interface FuzzOptions {
  /** Requests in all; endpoints that take a body share most of them. */
  readonly requests: number;
  readonly seed: number;
  /** A name that the server serves: half of the requests name it, so that more than 404 is seen. */
  readonly model: string;
  /** Milliseconds after which a request hangs. */
  readonly patience?: number;
  /** Requests under way at a time. */
  readonly parallel?: number;
}

export interface FuzzReport {
  requests: number;
  readonly statuses: Record<string, number>;
  /** Per endpoint the smallest request that went wrong, and how. */
  readonly faults: string[];
}

interface Endpoint {
  readonly method: string;
  readonly path: string;
  /** Schema of the body, if it takes one. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** What an answer's data have to fit; null for answers that are not JSON. */
  readonly checks: ReadonlyMap<string, ValidateFunction | null>;
  readonly isError: ValidateFunction;
}

export async function fuzzEndpoints(url: string, options: FuzzOptions): Promise<FuzzReport> {
  const { requests, seed, model, patience = 30_000, parallel = 8 } = options;
  const endpoints = endpointsOf(await json(await fetch(`${url}/openapi.json`)));
  const report: FuzzReport = { requests: 0, statuses: {}, faults: [] };
  const withBody = endpoints.filter((e) => e.body !== undefined);
  // A plain GET says little more the hundredth time.
  const plainRuns = Math.min(20, requests);
  const rest = requests - plainRuns * (endpoints.length - withBody.length);
  const numRuns = Math.max(1, Math.ceil(rest / withBody.length / parallel));

  const run = async (endpoint: Endpoint, seedOf: number): Promise<void> => {
    const { method, path, body } = endpoint;
    const property = fc.asyncProperty(requestsTo(body, model), fc.string(), async (sent, text) => {
      report.requests++;
      // `fetch` resolves a last part of nothing, `.` or `..` to another path.
      const id = /^\.{0,2}$/.test(text) ? model : text;
      const target = url + path.replace(/\{\w+\}/, () => encodeURIComponent(id));
      const status = await check(endpoint, target, sent, AbortSignal.timeout(patience));
      report.statuses[status] = (report.statuses[status] ?? 0) + 1;
    });
    const runs = body === undefined ? Math.ceil(plainRuns / parallel) : numRuns;
    const found = await fc.check(property, { numRuns: runs, seed: seedOf });
    if (!found.failed) return;
    const [sent] = found.counterexample ?? [];
    report.faults.push(`${method} ${path} ${JSON.stringify(sent)}: ${String(found.errorInstance)}`);
  };
  for (const endpoint of endpoints) {
    await Promise.all(Array.from({ length: parallel }, (_, i) => run(endpoint, seed + i)));
  }
  return report;
}

/** The bytes of a body; undefined for none. */
function requestsTo(body: Endpoint['body'], model: string): fc.Arbitrary<string | undefined> {
  if (body === undefined) return fc.constant(undefined);
  const named = valuesOf(body).map((v: Json) =>
    v && 'model' in v && typeof v.model === 'string' ? { ...v, model } : v,
  );
  // Most of what is no object is refused alike.
  const kinds = [
    { weight: 15, arbitrary: named },
    { weight: 4, arbitrary: damaged(named) },
    { weight: 1, arbitrary: fc.jsonValue() },
  ] as const;
  const values = fc.oneof(...kinds).map((value) => JSON.stringify(value));
  return fc.oneof({ weight: 19, arbitrary: values }, { weight: 1, arbitrary: fc.string() });
}

/** Sends one request and throws whatever is wrong with its answer. */
async function check(endpoint: Endpoint, url: string, body: string | undefined, signal: AbortSignal): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  const init = body === undefined ? {} : { body, headers };
  const response = await fetch(url, { method: endpoint.method.toUpperCase(), signal, ...init });
  const { status } = response;
  if (status >= 500 || status === 422) throw new Error(`status ${status}: ${await response.text()}`);
  const type = response.headers.get('content-type')?.split(';')[0] ?? '';
  if (status !== 200) {
    fits(endpoint.isError, await response.json());
    if (status === 429 && !(Number(response.headers.get('retry-after')) > 0))
      throw new Error('429 without Retry-After');
    return status;
  }
  const checked = endpoint.checks.get(type);
  if (checked === undefined) throw new Error(`content type ${type} is not in the document`);
  if (checked === null) await response.text();
  else if (type !== 'text/event-stream') fits(checked, await response.json());
  else {
    for (const data of await readEvents(response)) {
      if (data !== '[DONE]') fits(data.error ? endpoint.isError : checked, data);
    }
  }
  return status;
}

function fits(validate: ValidateFunction, value: unknown): void {
  if (validate(value)) return;
  const [{ instancePath, message }] = validate.errors ?? [];
  throw new Error(`${instancePath} ${message} in ${JSON.stringify(value).slice(0, 500)}`);
}

function endpointsOf(document: Json): Endpoint[] {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const isError = ajv.compile(document.components.schemas.Error);
  return Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods).map(([method, operation]) => {
      const content = Object.entries<Json>(operation.responses[200].content);
      const isJson = (type: string): boolean => type === 'application/json' || type === 'text/event-stream';
      const checks = new Map(content.map(([type, { schema }]) => [type, isJson(type) ? ajv.compile(schema) : null]));
      return { method, path, body: operation.requestBody?.content['application/json'].schema, checks, isError };
    }),
  );
}
