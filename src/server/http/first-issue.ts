/**
 * Arrays of request schemas stop at their first wrong element. zod goes on to the last and keeps an issue for each: a list
 * of a million wrong values took seconds and hundreds of megabytes, to report one.
 */
import type { z } from 'zod';

type Schema = z.core.$ZodType;
type Payload = z.core.ParsePayload<unknown[]>;

const changed = new WeakSet<Schema>();

/** Changes every array inside `schema`, in place, once. */
export function stopAtFirstIssue(schema: Schema): void {
  const pending: unknown[] = [schema];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (isSchema(next)) {
      if (changed.has(next)) continue;
      changed.add(next);
      const { def } = next._zod;
      if (def.type === 'array') changeArray(next as z.core.$ZodArray);
      // A lazy schema is made when it is first used; none of ours is.
      pending.push(...(Object.values(def) as unknown[]));
    } else if (Array.isArray(next)) pending.push(...(next as unknown[]));
    else if (isPlain(next)) pending.push(...(Object.values(next) as unknown[]));
  }
}

function changeArray(array: z.core.$ZodArray): void {
  const zod = array._zod;
  const { element } = zod.def;
  const parse = zod.parse.bind(zod);
  const runsParse = zod.run === zod.parse;
  zod.parse = (payload, ctx) => {
    const input: unknown = payload.value;
    if (!Array.isArray(input)) return parse(payload, ctx);
    const output = new Array<unknown>(input.length);
    for (let i = 0; i < input.length; i++) {
      const result = element._zod.run({ value: input[i] as unknown, issues: [] }, ctx) as Payload;
      if (result.issues.length > 0) {
        for (const issue of result.issues) payload.issues.push({ ...issue, path: [i, ...(issue.path ?? [])] });
        return payload;
      }
      output[i] = result.value;
    }
    payload.value = output;
    return payload;
  };
  if (runsParse) zod.run = zod.parse.bind(zod);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && '_zod' in value;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
