/** What a tool's schema says of one parameter, and text → JSON of that type, for the formats that write bare text. */
import { pointedTo, pointerKeys } from '../structured-output/json-pointer.ts';
import { typesOf, withoutNulls } from '../structured-output/keywords.ts';
import { isSchemaObject } from '../structured-output/merge-schema.ts';
import { escapeJson } from './arguments-writer.ts';
import { pythonToJson } from './literals.ts';
import type { JsonSchema } from './types.ts';

export type JsonType = 'null' | 'integer' | 'number' | 'boolean' | 'object' | 'array' | 'string';

/**
 * The types that property `name` of an arguments schema may have, declared or as additionalProperties allow it; empty when
 * they do not say.
 */
export function parameterTypes(parameters: JsonSchema | null, name: string): ReadonlySet<JsonType> {
  const types = new Set<JsonType>();
  const objects = [...reached([parameters], parameters)];
  const declared = objects.flatMap(({ properties }) =>
    isSchemaObject(properties) && Object.hasOwn(properties, name) ? [properties[name]] : [],
  );
  const found = declared.length > 0 ? declared : objects.map(({ additionalProperties }) => additionalProperties);
  for (const schema of reached(found, parameters)) addTypes(withoutNulls(schema), types);
  return types;
}

/** `schemas` and all that their $ref, anyOf, oneOf and allOf lead to, each once: they may lead back. */
function reached(schemas: readonly unknown[], root: unknown): ReadonlySet<JsonSchema> {
  const all = new Set<JsonSchema>();
  const add = (x: unknown): void => void (isSchemaObject(x) && all.add(x));
  schemas.forEach(add);
  // What is added on the way is visited too.
  for (const { $ref, anyOf, oneOf, allOf } of all) {
    if (typeof $ref === 'string') add(pointedTo(root, pointerKeys($ref, decoded)));
    for (const options of [anyOf, oneOf, allOf]) if (Array.isArray(options)) options.forEach(add);
  }
  return all;
}

function addTypes(schema: JsonSchema, types: Set<JsonType>): void {
  for (const type of namedTypes(schema)) if (typeof type === 'string') types.add(type as JsonType);
}

function namedTypes(schema: JsonSchema): readonly unknown[] {
  if (schema.type !== undefined) return [schema.type].flat();
  const listed = 'const' in schema ? [schema.const] : schema.enum;
  if (Array.isArray(listed)) return listed.map(typeOf);
  const isElsewhere = ['$ref', 'anyOf', 'oneOf', 'allOf'].some((key) => key in schema);
  return isElsewhere ? [] : (typesOf(schema, '#') ?? []);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
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
