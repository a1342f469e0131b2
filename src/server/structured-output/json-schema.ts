/**
 * JSON Schema (draft 2020-12 and what older drafts share with it) → EBNF, such that every text of the grammar is valid. What
 * a grammar cannot promise is refused with its place in the schema. The grammar may be narrower than the schema: properties
 * come in the schema's order, and an object that declares properties has no others unless additionalProperties says so.
 */
import { EngineError } from '../../errors.ts';
import type { Dialect } from './dialect.ts';
import { either, literal, type Grammar } from './ebnf.ts';
import { formatPatterns } from './formats.ts';
import { annotations, isSchemaObject, mergeSchemas, sameJson, type Schema } from './merge-schema.ts';
import { integerGrammar, numberGrammar, type Bound } from './number-grammar.ts';
import { areDisjoint } from './disjoint-schemas.ts';

const impossible = ['not', 'if', 'contains', 'dependentRequired', 'dependentSchemas', 'dependencies', '$dynamicRef'];
const typeOfKeyword: Readonly<Record<string, string>> = {
  ...{ properties: 'object', required: 'object', additionalProperties: 'object', propertyNames: 'object' },
  ...{ patternProperties: 'object', minProperties: 'object', maxProperties: 'object' },
  ...{ items: 'array', prefixItems: 'array', minItems: 'array', maxItems: 'array', uniqueItems: 'array' },
  ...{ minLength: 'string', maxLength: 'string', pattern: 'string', format: 'string' },
  ...{
    minimum: 'number',
    maximum: 'number',
    exclusiveMinimum: 'number',
    exclusiveMaximum: 'number',
    multipleOf: 'number',
  },
};
const mostMultiples = 1000;

/** One member of an object: what comes before its value, and the value, as EBNF. */
export interface Member {
  readonly text: string;
  readonly isRequired: boolean;
}

export class SchemaGrammar {
  readonly grammar: Grammar;
  readonly dialect: Dialect;
  readonly #root: unknown;
  readonly #references = new Map<string, string>();

  /** @param root the document that `$ref` points into */
  constructor(grammar: Grammar, dialect: Dialect, root: unknown) {
    this.grammar = grammar;
    this.dialect = dialect;
    this.#root = root;
  }

  /**
   * EBNF for the values of `schema`.
   * @param at where it stands, for messages
   * @throws EngineError invalid_value
   */
  value(schema: unknown, at = '#'): string {
    if (schema === true || schema === undefined) return this.#anything();
    if (!isSchemaObject(schema))
      return fail(at, schema === false ? 'allows nothing' : 'is not a schema: expected an object or a boolean');
    for (const key of impossible)
      if (key in schema) fail(`${at}/${key}`, 'is a condition that a grammar cannot enforce');
    const { $ref, allOf, anyOf, oneOf, ...rest } = schema;
    if ($ref !== undefined) return this.#reference($ref, { ...rest, ...only({ allOf, anyOf, oneOf }) }, at);
    if (allOf !== undefined)
      return this.value(this.#all(list(allOf, `${at}/allOf`), { ...rest, ...only({ anyOf, oneOf }) }, at), at);
    if (anyOf !== undefined)
      return this.#any(list(anyOf, `${at}/anyOf`), { ...rest, ...only({ oneOf }) }, `${at}/anyOf`);
    if (oneOf !== undefined) return this.#one(list(oneOf, `${at}/oneOf`), rest, `${at}/oneOf`);
    if ('const' in schema || 'enum' in schema) return this.#values(schema, at);
    const types = this.#types(schema, at);
    if (types === null) return this.#anything();
    return (
      either(types.map((type, i) => this.#typed(schema, type, types.length > 1 ? `${at}/type/${i}` : at))) ??
      fail(at, 'allows nothing')
    );
  }

  // ---- combinations

  #reference($ref: unknown, rest: Schema, at: string): string {
    if (typeof $ref !== 'string' || !$ref.startsWith('#'))
      return fail(`${at}/$ref`, 'must point into the schema itself (#/…)');
    const target = this.resolve($ref, at);
    if (Object.keys(rest).some((key) => !annotations.has(key))) {
      return this.value(this.#merge(this.flatten(target, at), rest, at), at);
    }
    const known = this.#references.get($ref);
    if (known !== undefined) return known;
    const name = this.grammar.reserve($ref.split('/').at(-1) || 'root');
    this.#references.set($ref, name);
    this.grammar.define(name, this.value(target, $ref));
    return name;
  }

  resolve($ref: string, at: string): unknown {
    let target = this.#root;
    for (const part of $ref.slice(1).split('/').filter(Boolean)) {
      const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
      if (typeof target !== 'object' || target === null || !Object.hasOwn(target, key)) {
        return fail(`${at}/$ref`, `points to ${$ref}, which is not there`);
      }
      target = (target as Record<string, unknown>)[key];
    }
    return target;
  }

  /** A schema without $ref and allOf at its top. */
  flatten(schema: unknown, at: string, depth = 0): unknown {
    if (depth > 50) return fail(at, 'refers to itself without end');
    if (!isSchemaObject(schema)) return schema;
    const { $ref, allOf, ...rest } = schema;
    let flat: unknown = rest;
    if (typeof $ref === 'string') flat = this.#merge(this.flatten(this.resolve($ref, at), at, depth + 1), flat, at);
    for (const part of allOf === undefined ? [] : list(allOf, at))
      flat = this.#merge(flat, this.flatten(part, at, depth + 1), at);
    return flat;
  }

  #all(parts: readonly unknown[], rest: Schema, at: string): unknown {
    return parts.reduce((merged, part) => this.#merge(merged, this.flatten(part, at), at), rest);
  }

  #any(parts: readonly unknown[], rest: Schema, at: string): string {
    const hasMore = Object.keys(rest).some((key) => !annotations.has(key));
    const branches = parts.map((part, i) => {
      const branch = hasMore ? this.#merge(rest, this.flatten(part, at), at) : part;
      return branch === false ? null : this.value(branch, `${at}/${i}`);
    });
    return either(branches) ?? fail(at, 'allows nothing');
  }

  #one(parts: readonly unknown[], rest: Schema, at: string): string {
    const flat = parts.map((part) => this.#merge(rest, this.flatten(part, at), at));
    flat.forEach((a, i) =>
      flat.slice(0, i).forEach((b, j) => {
        if (!areDisjoint(a, b))
          fail(
            at,
            `has overlapping schemas (${j} and ${i}), and a grammar cannot promise that only one holds: use anyOf`,
          );
      }),
    );
    return this.#any(parts, rest, at);
  }

  #merge(a: unknown, b: unknown, at: string): unknown {
    try {
      return mergeSchemas(a, b);
    } catch (error) {
      return fail(at, (error as Error).message);
    }
  }

  // ---- values

  #values(schema: Schema, at: string): string {
    const listed = 'const' in schema ? [schema.const] : list(schema.enum, `${at}/enum`);
    const types = this.#types({ type: schema.type }, at);
    const inEnum = 'const' in schema && Array.isArray(schema.enum) ? (schema.enum as unknown[]) : null;
    const values = listed.filter(
      (value) =>
        (types === null || types.some((type) => isOfType(value, type))) &&
        (inEnum?.some((x) => sameJson(x, value)) ?? true),
    );
    return either(values.map((value) => literal(this.#render(value)))) ?? fail(at, 'allows nothing');
  }

  #render(value: unknown): string {
    if (typeof value === 'string') return this.dialect.quote(value);
    if (Array.isArray(value)) return `[${value.map((item) => this.#render(item)).join(',')}]`;
    if (!isSchemaObject(value)) return JSON.stringify(value);
    return `{${Object.entries(value)
      .map(([key, item]) => `${this.dialect.key(key)}:${this.#render(item)}`)
      .join(',')}}`;
  }

  /** null: any. */
  #types(schema: Schema, at: string): string[] | null {
    if (schema.type !== undefined) {
      const types = [schema.type].flat() as unknown[];
      const known = ['object', 'array', 'string', 'integer', 'number', 'boolean', 'null'];
      const bad = types.find((type) => !known.includes(type as string));
      if (bad !== undefined) fail(`${at}/type`, `is ${JSON.stringify(bad)}; there are ${known.join(', ')}`);
      return types as string[];
    }
    const keyword = Object.keys(schema).find((key) => key in typeOfKeyword);
    return keyword === undefined ? null : [typeOfKeyword[keyword] ?? ''];
  }

  #typed(schema: Schema, type: string, at: string): string | null {
    if (type === 'object') return this.grammar.rule('object', this.#object(schema, at));
    if (type === 'array') return this.grammar.rule('array', this.#array(schema, at));
    if (type === 'string') return this.#string(schema, at);
    if (type === 'boolean') return '("true" | "false")';
    if (type === 'null') return '"null"';
    return this.#number(schema, type, at);
  }

  #anything(): string {
    const { grammar, dialect } = this;
    const string = dialect.anyString(grammar);
    const number = grammar.rule('number', '"-"? ("0" | [1-9] [0-9]{0,14}) ("." [0-9]{1,15})? ([eE] [+-]? [0-9]{1,2})?');
    const key = dialect.key('a') === 'a' ? dialect.otherKey(grammar, []) : string;
    const members = `${key} ${dialect.colon} value`;
    grammar.once('members', `"}" | ${dialect.comma} ${members} members`);
    grammar.once('elements', `"]" | ${dialect.comma} value elements`);
    grammar.once('any_object', `"{" ("}" | ${members} members)`);
    grammar.once('any_array', `"[" ("]" | value elements)`);
    return grammar.once('value', `${string} | ${number} | any_object | any_array | "true" | "false" | "null"`);
  }

  #string(schema: Schema, at: string): string {
    const min = count(schema, 'minLength', at) ?? 0;
    const max = count(schema, 'maxLength', at);
    if (max !== null && max < min) fail(at, 'has a maxLength below its minLength');
    const isCounted = min > 0 || max !== null;
    if (schema.pattern !== undefined) {
      if (typeof schema.pattern !== 'string') return fail(`${at}/pattern`, 'is not a string');
      if (isCounted) fail(at, 'has both a pattern and a length: write the length into the pattern, as in ^[a-z]{1,8}$');
      return this.grammar.rule(
        'pattern',
        this.#located(`${at}/pattern`, () => this.dialect.patternString(schema.pattern as string)),
      );
    }
    if (isCounted) return this.grammar.rule('counted', this.dialect.countedString(this.grammar, min, max));
    const format = typeof schema.format === 'string' ? formatPatterns[schema.format] : undefined;
    return format === undefined
      ? this.dialect.anyString(this.grammar)
      : this.grammar.rule('format', this.dialect.patternString(format));
  }

  #located<T>(at: string, body: () => T): T {
    try {
      return body();
    } catch (error) {
      return fail(at, (error as Error).message);
    }
  }

  #number(schema: Schema, type: string, at: string): string {
    const min = strictest(bound(schema, 'minimum', at), bound(schema, 'exclusiveMinimum', at), Math.max);
    const max = strictest(bound(schema, 'maximum', at), bound(schema, 'exclusiveMaximum', at), Math.min);
    if (schema.multipleOf !== undefined) return this.#multiples(schema, type, min, max, at);
    if (type === 'number' && min === null && max === null) {
      return this.grammar.rule('number', '"-"? ("0" | [1-9] [0-9]{0,14}) ("." [0-9]{1,15})? ([eE] [+-]? [0-9]{1,2})?');
    }
    const body = type === 'integer' ? integerGrammar(min, max) : numberGrammar(min, max);
    return this.grammar.rule(type, body ?? fail(at, 'has bounds that no number keeps'));
  }

  #multiples({ multipleOf: step }: Schema, type: string, min: Bound | null, max: Bound | null, at: string): string {
    if (typeof step !== 'number' || !(step > 0)) return fail(`${at}/multipleOf`, 'must be a number above 0');
    if (step === 1)
      return this.grammar.rule('integer', integerGrammar(min, max) ?? fail(at, 'has bounds that no number keeps'));
    const hasFewValues =
      Number.isInteger(step) && min !== null && max !== null && (max.value - min.value) / step <= mostMultiples;
    if (!hasFewValues)
      return fail(
        `${at}/multipleOf`,
        `cannot be enforced by a grammar, except with whole steps between bounds at most ${mostMultiples} steps apart`,
      );
    const values: string[] = [];
    for (let n = Math.ceil(min.value / step) * step; n <= max.value; n += step) {
      if ((n > min.value || min.inclusive) && (n < max.value || max.inclusive)) values.push(`"${n}"`);
    }
    return this.grammar.rule(type, either(values) ?? fail(at, 'has bounds that no multiple keeps'));
  }

  // ---- containers

  #array(schema: Schema, at: string): string {
    const prefix = schema.prefixItems === undefined ? [] : list(schema.prefixItems, `${at}/prefixItems`);
    const min = Math.max(count(schema, 'minItems', at) ?? 0, prefix.length);
    const isClosed = schema.items === false;
    const max = isClosed ? prefix.length : count(schema, 'maxItems', at);
    if (schema.uniqueItems === true && (max === null || max > 1))
      fail(`${at}/uniqueItems`, 'is a condition that a grammar cannot enforce');
    if (max !== null && max < min) fail(at, 'has a maxItems below its minItems or its prefixItems');
    const { comma } = this.dialect;
    const items = prefix.map((item, i) => this.value(item, `${at}/prefixItems/${i}`));
    if (max === items.length) return `"[" ${items.length === 0 ? '' : `${items.join(` ${comma} `)} `}"]"`;
    const item = this.value(schema.items, `${at}/items`);
    if (items.length === 0 && max === 0) return '"[]"';
    const more = this.#repeated(
      item,
      Math.max(0, min - Math.max(1, items.length)),
      max === null ? null : max - Math.max(1, items.length),
    );
    if (items.length > 0) return `"[" ${items.join(` ${comma} `)} ${more}`;
    return min === 0 ? `"[" ("]" | ${item} ${more})` : `"[" ${item} ${more}`;
  }

  /** `, item` from `min` to `max` times and the closing bracket. */
  #repeated(item: string, min: number, max: number | null): string {
    const { comma } = this.dialect;
    if (max !== null) return max === 0 ? '"]"' : `(${comma} ${item}){${min},${max}} "]"`;
    const rest = this.grammar.reserve('rest');
    this.grammar.define(rest, `"]" | ${comma} ${item} ${rest}`);
    return min === 0 ? rest : `(${comma} ${item}){${min}} ${rest}`;
  }

  #object(schema: Schema, at: string): string {
    const { dialect } = this;
    const members = this.members(schema, at, (name) => `${literal(dialect.key(name))} ${dialect.colon}`);
    return sequence(this.grammar, members, {
      open: '"{"',
      close: '"}"',
      comma: dialect.comma,
      more: this.#others(schema, members.length, at),
    });
  }

  /** The declared properties, in the schema's order. `before` writes what stands before a value. */
  members(schema: Schema, at: string, before: (name: string, schema: unknown) => string): Member[] {
    const properties = isSchemaObject(schema.properties) ? schema.properties : {};
    const required = schema.required === undefined ? [] : list(schema.required, `${at}/required`);
    const missing = required.filter(
      (name): name is string => typeof name === 'string' && !Object.hasOwn(properties, name),
    );
    const all: [string, unknown][] = [
      ...Object.entries(properties),
      ...missing.map((name): [string, unknown] => [name, schema.additionalProperties ?? true]),
    ];
    return all
      .filter(([name, property]) => property !== false || required.includes(name))
      .map(([name, property]) => ({
        text: `${before(name, property)} ${this.value(property, `${at}/properties/${name}`)}`,
        isRequired: required.includes(name),
      }));
  }

  /** A member that is not declared, as EBNF, and how many of them; null when there are none. */
  #others(schema: Schema, declared: number, at: string): { member: string; min: number; max: number | null } | null {
    const { dialect, grammar } = this;
    const min = count(schema, 'minProperties', at) ?? 0;
    const max = count(schema, 'maxProperties', at);
    const patterns = isSchemaObject(schema.patternProperties) ? Object.entries(schema.patternProperties) : [];
    const names = Object.keys(isSchemaObject(schema.properties) ? schema.properties : {});
    if (declared > 0 && (patterns.length > 0 || isConstraining(schema.propertyNames))) {
      fail(at, 'has both properties and rules for the names of others, which a grammar cannot enforce');
    }
    if (declared > 0) {
      const required = Array.isArray(schema.required) ? schema.required.length : 0;
      const isOpen = schema.additionalProperties !== undefined && schema.additionalProperties !== false;
      if (min > required || (max !== null && (isOpen || max < declared)))
        fail(at, 'counts its properties, which a grammar cannot enforce beside declared ones');
      if (!isOpen) return null;
      const value = this.value(schema.additionalProperties, `${at}/additionalProperties`);
      return { member: `${dialect.otherKey(grammar, names)} ${dialect.colon} ${value}`, min: 0, max: null };
    }
    if (patterns.length > 0) {
      const each = patterns.map(([pattern, value]) => {
        const key = this.#located(`${at}/patternProperties`, () => dialect.patternString(pattern));
        return `${key} ${dialect.colon} ${this.value(value, `${at}/patternProperties`)}`;
      });
      if (each.length > 1)
        fail(`${at}/patternProperties`, 'has several patterns, whose overlap a grammar cannot enforce');
      return { member: each[0] ?? '', min, max };
    }
    if (schema.additionalProperties === false || max === 0) return min > 0 ? fail(at, 'allows nothing') : null;
    const value = this.value(schema.additionalProperties, `${at}/additionalProperties`);
    const key = isConstraining(schema.propertyNames)
      ? this.value({ type: 'string', ...(schema.propertyNames as Schema) }, `${at}/propertyNames`)
      : this.#anyKey();
    return { member: `${key} ${dialect.colon} ${value}`, min, max };
  }

  #anyKey(): string {
    return this.dialect.key('a') === 'a'
      ? this.dialect.otherKey(this.grammar, [])
      : this.dialect.anyString(this.grammar);
  }
}

export interface SequenceForm {
  readonly open: string;
  readonly close: string;
  readonly comma: string;
  readonly more: { readonly member: string; readonly min: number; readonly max: number | null } | null;
}

/** Members in order, the optional ones there or not, then others; commas between. */
export function sequence(
  grammar: Grammar,
  members: readonly Member[],
  { open, close, comma, more }: SequenceForm,
): string {
  const counted = more === null || (more.min <= 1 && more.max === null) ? null : more;
  const others = (isFirst: boolean): string => {
    if (more === null) return close;
    if (counted !== null) return close;
    const rest = grammar.reserve('others');
    grammar.define(rest, `${close} | ${comma} ${more.member} ${rest}`);
    return isFirst ? `${more.min === 0 ? `${close} | ` : ''}${more.member} ${rest}` : rest;
  };
  if (members.length === 0 && counted !== null) {
    const { member, min, max } = counted;
    const some = `${member} (${comma} ${member}){${Math.max(0, min - 1)},${max === null ? '' : max - 1}} ${close}`;
    return min === 0 ? `${open} (${close} | ${some})` : `${open} ${some}`;
  }
  let first = others(true); // what may follow `open` with nothing written yet
  let later = others(false); // what may follow a member
  for (const { text: body, isRequired } of [...members].reverse()) {
    const text = grammar.rule('member', body);
    const laterRule = grammar.rule('more', later);
    first = `${text} ${laterRule}${isRequired ? '' : ` | ${first}`}`;
    later = `${comma} ${text} ${laterRule}${isRequired ? '' : ` | ${laterRule}`}`;
  }
  return `${open} (${first})`;
}

// ---- reading a schema

function fail(at: string, what: string): never {
  throw new EngineError('invalid_value', `the schema at ${at} ${what}`);
}

function list(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) return fail(at, 'must be an array');
  return value;
}

function only(keywords: Record<string, unknown>): Schema {
  return Object.fromEntries(Object.entries(keywords).filter(([, value]) => value !== undefined));
}

function count(schema: Schema, key: string, at: string): number | null {
  const value = schema[key];
  if (value === undefined) return null;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
    return fail(`${at}/${key}`, 'must be a whole number, 0 or more');
  return value;
}

function bound(schema: Schema, key: string, at: string): Bound | null {
  const value = schema[key];
  if (value === undefined) return null;
  if (typeof value === 'boolean') return fail(`${at}/${key}`, 'is a boolean as in draft 4: give the bound itself');
  if (typeof value !== 'number') return fail(`${at}/${key}`, 'must be a number');
  return { value, inclusive: !key.startsWith('exclusive') };
}

function strictest(a: Bound | null, b: Bound | null, pick: (a: number, b: number) => number): Bound | null {
  if (a === null || b === null) return a ?? b;
  if (a.value === b.value) return a.inclusive ? b : a;
  return pick(a.value, b.value) === a.value ? a : b;
}

const isConstraining = (schema: unknown) =>
  isSchemaObject(schema) && Object.keys(schema).some((key) => key !== 'type' && !annotations.has(key));

function isOfType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object') return isSchemaObject(value);
  return typeof value === type;
}
