/** JSON Schemas that must hold together, as one: for allOf, and for what stands beside anyOf and $ref. */
import { EngineError } from '../../errors.ts';

export type Schema = Readonly<Record<string, unknown>>;

export const isSchemaObject = (x: unknown): x is Schema => typeof x === 'object' && x !== null && !Array.isArray(x);

/** Keywords that say nothing about validity. */
export const annotations: ReadonlySet<string> = new Set([
  ...['title', 'description', 'default', 'examples', 'example', 'deprecated', 'readOnly', 'writeOnly', 'nullable'],
  ...['$schema', '$id', '$comment', '$anchor', '$defs', 'definitions', 'discriminator', 'contentEncoding'],
  ...[
    'contentMediaType',
    'contentSchema',
    'strict',
    'then',
    'else',
    'minContains',
    'maxContains',
    'xml',
    'externalDocs',
  ],
]);

/** @throws EngineError invalid_value where both say something that cannot be said at once */
export function mergeSchemas(a: unknown, b: unknown): unknown {
  if (a === true) return b;
  if (b === true) return a;
  if (!isSchemaObject(a) || !isSchemaObject(b)) return false;
  const merged: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b)) merged[key] = key in a ? mergeKeyword(key, a[key], value) : value;
  return merged;
}

function mergeKeyword(key: string, a: unknown, b: unknown): unknown {
  if (annotations.has(key)) return key === '$defs' || key === 'definitions' ? { ...asObject(a), ...asObject(b) } : a;
  if (sameJson(a, b)) return a;
  switch (key) {
    case 'properties': {
      const merged = { ...asObject(a) };
      for (const [name, schema] of Object.entries(asObject(b))) {
        merged[name] = Object.hasOwn(merged, name) ? mergeSchemas(merged[name], schema) : schema;
      }
      return merged;
    }
    case 'required':
      return [...new Set([...asList(a), ...asList(b)])];
    case 'allOf':
      return [...asList(a), ...asList(b)];
    case 'type':
      return intersectTypes([a].flat(), [b].flat());
    case 'enum':
      return asList(a).filter((x) => asList(b).some((y) => sameJson(x, y)));
    case 'minimum':
    case 'exclusiveMinimum':
    case 'minLength':
    case 'minItems':
    case 'minProperties':
      return Math.max(Number(a), Number(b));
    case 'maximum':
    case 'exclusiveMaximum':
    case 'maxLength':
    case 'maxItems':
    case 'maxProperties':
      return Math.min(Number(a), Number(b));
    case 'items':
    case 'additionalProperties':
    case 'propertyNames':
      return mergeSchemas(a, b);
    default:
      throw new EngineError('invalid_value', `combines two different "${key}", which a grammar cannot enforce`);
  }
}

function intersectTypes(a: readonly unknown[], b: readonly unknown[]): unknown[] {
  const both = a.filter((type) => b.includes(type) || (type === 'integer' && b.includes('number')));
  const narrowed = b.filter((type) => type === 'integer' && a.includes('number') && !a.includes('integer'));
  return [...both.filter((type) => type !== 'number' || !narrowed.length || b.includes('number')), ...narrowed];
}

const asObject = (x: unknown): Record<string, unknown> => (isSchemaObject(x) ? { ...x } : {});
const asList = (x: unknown): readonly unknown[] => (Array.isArray(x) ? x : []);

export function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
