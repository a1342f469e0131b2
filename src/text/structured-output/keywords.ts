/** Reading a schema's keywords: what they must be, and where they stand when they are not. */
import { EngineError } from '../../errors.ts';
import { BudgetError } from './budget.ts';
import { annotations, isSchemaObject, type Schema } from './merge-schema.ts';
import type { Bound } from './number-grammar.ts';

export const jsonTypes = ['object', 'array', 'string', 'integer', 'number', 'boolean', 'null'] as const;
export type JsonTypeName = (typeof jsonTypes)[number];

const typeOfKeyword: Readonly<Record<string, JsonTypeName>> = {
  ...{ properties: 'object', required: 'object', additionalProperties: 'object', propertyNames: 'object' },
  ...{ patternProperties: 'object', minProperties: 'object', maxProperties: 'object' },
  ...{ items: 'array', prefixItems: 'array', minItems: 'array', maxItems: 'array', uniqueItems: 'array' },
  ...{ minLength: 'string', maxLength: 'string', pattern: 'string', format: 'string' },
  ...{ minimum: 'number', maximum: 'number', exclusiveMinimum: 'number', exclusiveMaximum: 'number' },
  ...{ multipleOf: 'number', unevaluatedProperties: 'object', unevaluatedItems: 'array' },
};

/** @param at JSON pointer into the schema */
export function fail(at: string, what: string): never {
  throw new EngineError('invalid_value', `the schema at ${at} ${what}`);
}

/** Runs `body`; its error is told as one of the schema at `at`. */
export function located<T>(at: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof BudgetError) throw new BudgetError(error.cost, `the schema at ${at} `);
    if (isTooDeep(error)) throw error;
    return fail(at, (error as Error).message);
  }
}

/** A stack that ran out says nothing about where. */
const isTooDeep = (error: unknown): boolean => error instanceof RangeError && error.message.includes('call stack');

export function list(value: unknown, at: string): readonly unknown[] {
  return Array.isArray(value) ? value : fail(at, 'must be an array');
}

/** The types that a schema names, or that its keywords are about; null for any. */
export function typesOf(schema: Schema, at: string): readonly JsonTypeName[] | null {
  if (schema.type === undefined) {
    const keyword = Object.keys(schema).find((key) => Object.hasOwn(typeOfKeyword, key));
    return keyword === undefined ? null : [typeOfKeyword[keyword] ?? 'object'];
  }
  const types: unknown[] = [schema.type].flat();
  const bad = types.find((type) => !jsonTypes.includes(type as JsonTypeName));
  if (bad !== undefined) fail(`${at}/type`, `is ${JSON.stringify(bad)}; there are ${jsonTypes.join(', ')}`);
  return types as JsonTypeName[];
}

/** A keyword of `schema` that is about values of `type`. */
export function keywordAbout(schema: Schema, type: JsonTypeName): string | undefined {
  return Object.keys(schema).find((key) => Object.hasOwn(typeOfKeyword, key) && typeOfKeyword[key] === type);
}

export function isOfType(value: unknown, type: JsonTypeName): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  return type === 'object' ? isSchemaObject(value) : typeof value === type;
}

/** A keyword that counts; null when it is absent. */
export function count(schema: Schema, key: string, at: string): number | null {
  const value = schema[key];
  if (value === undefined) return null;
  const isCount = typeof value === 'number' && Number.isInteger(value) && value >= 0;
  return isCount ? value : fail(`${at}/${key}`, 'must be a whole number, 0 or more');
}

/**
 * The stricter of `minimum` and `exclusiveMinimum` (`side` 'Minimum'), or of the maxima; null when both are absent. In draft 4
 * the exclusive one is a boolean that says how the other is meant.
 */
export function bound(schema: Schema, side: 'Minimum' | 'Maximum', at: string): Bound | null {
  const value = oneBound(schema, side.toLowerCase(), at);
  const isExclusive = schema[`exclusive${side}`];
  if (value !== null && typeof isExclusive === 'boolean') return { value, inclusive: !isExclusive };
  const exclusive = oneBound(schema, `exclusive${side}`, at);
  if (exclusive === null) return value === null ? null : { value, inclusive: true };
  const isInclusiveStricter = value !== null && (side === 'Minimum' ? value > exclusive : value < exclusive);
  return isInclusiveStricter ? { value, inclusive: true } : { value: exclusive, inclusive: false };
}

function oneBound(schema: Schema, key: string, at: string): number | null {
  const value = schema[key];
  if (value === undefined || typeof value === 'number') return value ?? null;
  if (typeof value === 'boolean') return fail(`${at}/${key}`, 'is a boolean, as in draft 4: give the bound itself');
  return fail(`${at}/${key}`, 'must be a number');
}

/** A keyword that is null says nothing: Go programs write empty lists so. */
export function withoutNulls(schema: Schema): Schema {
  const isNull = (key: string): boolean => schema[key] === null && key !== 'const' && key !== 'default';
  if (!Object.keys(schema).some(isNull)) return schema;
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !isNull(key)));
}

const unevaluated = [
  { key: 'unevaluatedProperties', other: 'additionalProperties', declaring: ['properties', 'patternProperties'] },
  { key: 'unevaluatedItems', other: 'items', declaring: ['prefixItems'] },
] as const;

/**
 * `schema` without `unevaluatedProperties` and `unevaluatedItems`: once its own `$ref`, `allOf` and the like are merged into it,
 * what none of them evaluates is what it does not declare. Beside declared members or items none is written that is not
 * declared, which keeps whatever these keywords ask of such.
 * @param alone whether no other schema, which could declare more, is going to be merged into it
 * @throws EngineError invalid_value
 */
export function evaluated(schema: Schema, at: string, alone = true): Schema {
  if (!unevaluated.some(({ key }) => key in schema)) return schema;
  const whole: Record<string, unknown> = { ...schema };
  for (const { key, other, declaring } of unevaluated) {
    delete whole[key];
    const value = schema[key] ?? true;
    if (typeof value !== 'boolean' && !isSchemaObject(value)) fail(`${at}/${key}`, 'must be an object or a boolean');
    // Beside the other keyword nothing is left that this one could speak of.
    if (!saysMore(value) || (schema[other] ?? undefined) !== undefined) continue;
    const isClosed = allowsNothing(value) || (alone && declaring.some((keyword) => declares(schema[keyword])));
    whole[other] = isClosed ? false : fail(`${at}/${key}`, `is enforced only as false: use ${other}`);
  }
  return whole;
}

const declares = (members: unknown): boolean => Object.keys(members ?? {}).length > 0;

/** `false` and `{ not: {} }`. */
function allowsNothing(schema: unknown): boolean {
  if (!isSchemaObject(schema)) return schema === false;
  const isNothing = (not: unknown): boolean => not === true || (isSchemaObject(not) && !saysMore(not));
  return 'not' in schema && isNothing(schema.not);
}

/** Whether a schema says more than annotations and, if `besideType`, its type. */
export function saysMore(schema: unknown, besideType = false): boolean {
  if (!isSchemaObject(schema)) return schema === false;
  return Object.keys(schema).some((key) => !annotations.has(key) && !(besideType && key === 'type'));
}
