/** What a tool's schema says of one parameter, and text → JSON of that type, for the formats that write bare text. */
import { escapeJson } from './arguments-writer.ts';
import { pythonToJson } from './literals.ts';
import type { JsonSchema } from './types.ts';

export type JsonType = 'null' | 'integer' | 'number' | 'boolean' | 'object' | 'array' | 'string';

const isObject = (x: unknown): x is JsonSchema => typeof x === 'object' && x !== null && !Array.isArray(x);

/** The types that property `name` of an arguments schema may have; empty when it does not say. */
export function parameterTypes(parameters: JsonSchema | null, name: string): ReadonlySet<JsonType> {
  const types = new Set<JsonType>();
  const properties = parameters?.properties;
  if (!isObject(properties) || !Object.hasOwn(properties, name)) return types;
  for (const schema of reached(properties[name], parameters)) addTypes(schema, types);
  return types;
}

/** `schema` and all that its $ref, anyOf, oneOf and allOf lead to, each once: they may lead back. */
function reached(schema: unknown, root: unknown): ReadonlySet<JsonSchema> {
  const all = new Set<JsonSchema>();
  const add = (x: unknown): void => void (isObject(x) && all.add(x));
  add(schema);
  // What is added on the way is visited too.
  for (const { $ref, anyOf, oneOf, allOf } of all) {
    if (typeof $ref === 'string') add(resolve($ref, root));
    for (const options of [anyOf, oneOf, allOf]) if (Array.isArray(options)) options.forEach(add);
  }
  return all;
}

function addTypes(schema: JsonSchema, types: Set<JsonType>): void {
  for (const type of [schema.type].flat()) if (typeof type === 'string') types.add(type as JsonType);
  if (schema.type !== undefined) return;
  const values: unknown[] = Array.isArray(schema.enum) ? schema.enum : 'const' in schema ? [schema.const] : [];
  for (const value of values) types.add(typeOf(value));
  if ('properties' in schema) types.add('object');
  if ('items' in schema) types.add('array');
}

function resolve(reference: string, root: unknown): unknown {
  let at: unknown = root;
  for (const part of reference.replace(/^#\/?/, '').split('/').filter(Boolean)) {
    at = isObject(at) ? at[part.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
  }
  return at;
}

function typeOf(value: unknown): JsonType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return 'number';
  return typeof value === 'boolean' ? 'boolean' : typeof value === 'string' ? 'string' : 'object';
}

const jsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const looseNumber = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

function toNumber(text: string, isInteger: boolean): string | null {
  const value = looseNumber.test(text) ? Number(text) : NaN;
  if (!Number.isFinite(value) || (isInteger && !Number.isInteger(value))) return null;
  return jsonNumber.test(text) ? text : String(value);
}

const truths: Readonly<Record<string, string>> = { true: 'true', '1': 'true', false: 'false', '0': 'false' };

function toContainer(text: string, opening: string): string | null {
  if (!text.startsWith(opening)) return null;
  try {
    JSON.parse(text);
    return text;
  } catch {
    return pythonToJson(text);
  }
}

const convert: readonly (readonly [JsonType, (text: string) => string | null])[] = [
  ['null', (text) => (/^(null|none)$/i.test(text) ? 'null' : null)],
  ['integer', (text) => toNumber(text, true)],
  ['number', (text) => toNumber(text, false)],
  ['boolean', (text) => truths[text.toLowerCase()] ?? null],
  ['object', (text) => toContainer(text, '{')],
  ['array', (text) => toContainer(text, '[')],
];

/**
 * JSON text of a parameter written as `text`: the first of null, number, boolean, object, array that the schema allows and
 * the text fits, else a string. `untyped` says what an unknown parameter is: a string, or whatever JSON or Python reads.
 */
export function typedJson(text: string, types: ReadonlySet<JsonType>, untyped: 'string' | 'any'): string {
  const trimmed = text.trim();
  for (const [type, to] of convert) {
    const isAllowed = types.has(type) || (type === 'null' && types.size > 0 && !types.has('string'));
    const json = isAllowed ? to(trimmed) : null;
    if (json !== null) return json;
  }
  const any = types.size === 0 && untyped === 'any' ? pythonToJson(trimmed) : null;
  return any ?? `"${escapeJson(text)}"`;
}

/** Whether a value of these types can go out as it grows: it is a string whatever it says. */
export function isText(types: ReadonlySet<JsonType>, untyped: 'string' | 'any'): boolean {
  return types.size === 0 ? untyped === 'string' : types.size === 1 && types.has('string');
}
