/** JSON Schemas that must hold together, as one: for allOf, and for what stands beside anyOf and $ref. */
import { EngineError } from '../../errors.ts';
import type { Budget } from './budget.ts';

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

/** @throws EngineError invalid_value where both say something that cannot be said at once; BudgetError */
export function mergeSchemas(a: unknown, b: unknown, budget: Budget): unknown {
  if (a === true || a === b) return b;
  if (b === true) return a;
  if (!isSchemaObject(a) || !isSchemaObject(b)) return false;
  const merged: Record<string, unknown> = { ...a };
  budget.spend('steps', Object.keys(a).length + Object.keys(b).length);
  for (const [key, value] of Object.entries(b)) {
    merged[key] = Object.hasOwn(a, key) ? mergeKeyword(key, a[key], value, budget) : value;
  }
  return merged;
}

function mergeKeyword(key: string, a: unknown, b: unknown, budget: Budget): unknown {
  if (annotations.has(key)) return key === '$defs' || key === 'definitions' ? { ...asObject(a), ...asObject(b) } : a;
  if (a === b) return a;
  const [textOfA, textOfB] = [jsonText(a), jsonText(b)];
  budget.spend('steps', textOfA.length + textOfB.length);
  if (textOfA === textOfB) return a;
  switch (key) {
    case 'properties': {
      const merged = { ...asObject(a) };
      for (const [name, schema] of Object.entries(asObject(b))) {
        merged[name] = Object.hasOwn(merged, name) ? mergeSchemas(merged[name], schema, budget) : schema;
      }
      return merged;
    }
    case 'required':
      return [...new Set([...asList(a), ...asList(b)])];
    case 'allOf':
      return [...asList(a), ...asList(b)];
    case 'type':
      return intersectTypes([a].flat(), [b].flat());
    case 'enum': {
      const others = new Set(asList(b).map(jsonText));
      return asList(a).filter((x) => others.has(jsonText(x)));
    }
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
      return mergeSchemas(a, b, budget);
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

/** One text for all ways to write a value: members in the order of their names. */
export function jsonText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonText).join()}]`;
  if (!isSchemaObject(value)) return JSON.stringify(value) ?? 'null';
  const members = Object.keys(value).sort();
  return `{${members.map((key) => `${JSON.stringify(key)}:${jsonText(value[key])}`).join()}}`;
}
