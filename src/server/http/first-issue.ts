/**
 * Arrays and records of request schemas stop at their first wrong element. zod goes on to the last and keeps an issue for
 * each: a list of a million wrong values took seconds and hundreds of megabytes, to report one.
 */
import type { z } from 'zod';

type Schema = z.core.$ZodType;
type Payload = z.core.ParsePayload<unknown[]>;
type Parse = Schema['_zod']['parse'];

const changed = new WeakSet<Schema>();

/** Changes every array and record inside `schema`, in place, once. */
export function stopAtFirstIssue(schema: Schema): void {
  const pending: unknown[] = [schema];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (isSchema(next)) {
      if (changed.has(next)) continue;
      changed.add(next);
      const { def } = next._zod;
      if (def.type === 'array') changeArray(next as z.core.$ZodArray);
      if (def.type === 'record') changeRecord(next as z.core.$ZodRecord);
      // A lazy schema is made when it is first used; none of ours is.
      pending.push(...(Object.values(def) as unknown[]));
    } else if (Array.isArray(next)) pending.push(...(next as unknown[]));
    else if (isPlain(next)) pending.push(...(Object.values(next) as unknown[]));
  }
}

function changeArray(array: z.core.$ZodArray): void {
  const { element } = array._zod.def;
  change(array, (parse) => (payload, ctx) => {
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
  });
}

/** Of records whose keys come out as they went in. */
function changeRecord(record: z.core.$ZodRecord): void {
  const { keyType, valueType } = record._zod.def;
  change(record, (parse) => (payload, ctx) => {
    const input: unknown = payload.value;
    if (!isPlain(input)) return parse(payload, ctx);
    const output: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(input) as [string, unknown][]) {
      if (key === '__proto__') continue;
      const [k, v] = [
        keyType._zod.run({ value: key, issues: [] }, ctx),
        valueType._zod.run({ value, issues: [] }, ctx),
      ];
      // zod says what is wrong, of this entry alone.
      if ((k as Payload).issues.length + (v as Payload).issues.length > 0) {
        return parse({ ...payload, value: { [key]: value } }, ctx);
      }
      output[key] = (v as Payload).value;
    }
    payload.value = output;
    return payload;
  });
}

function change(schema: Schema, around: (parse: Parse) => Parse): void {
  const zod = schema._zod;
  // The first call takes zod's watch for cycles off and puts the schema's own parse back: before ours is there.
  void zod.parse({ value: undefined, issues: [] }, { async: false });
  const runsParse = zod.run === zod.parse;
  const changedParse = around(zod.parse.bind(zod));
  zod.parse = changedParse;
  if (runsParse) zod.run = changedParse;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && '_zod' in value;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
