/**
 * JSON Schema (draft 2020-12, and what older drafts share with it) → EBNF, such that every text of the grammar is valid. What
 * a grammar cannot promise is refused with its place in the schema. The grammar may be narrower than the schema: properties
 * come in the schema's order, and an object that declares properties has no others unless additionalProperties says so.
 * Written here because xgrammar's own converter (0.1.27) lets invalid values through: wrong number ranges, quotes in strings
 * with a pattern, and no word about keywords that it leaves out.
 */
import { arrayGrammar } from './array-grammar.ts';
import type { Dialect } from './dialect.ts';
import { findOverlap, isObjectSchema, tagOf } from './disjoint-schemas.ts';
import { either, type Grammar } from './ebnf.ts';
import { evaluated, fail, list, located, saysMore, typesOf, withoutNulls, type JsonTypeName } from './keywords.ts';
import { allowedValues } from './listed-values.ts';
import { pointedTo, pointerKeys } from './json-pointer.ts';
import { isSchemaObject, jsonText, mergeSchemas, type Schema } from './merge-schema.ts';
import { objectGrammar } from './object-grammar.ts';
import { regularRule } from './regular-rule.ts';
import * as regular from './regular.ts';
import { numberRule, numericGrammar, stringGrammar } from './scalar-grammar.ts';
import type { Schemas } from './schemas.ts';

export const conditions = [
  ...['not', 'if', 'contains', 'dependentRequired', 'dependentSchemas', 'dependencies'],
  ...['$dynamicRef', '$recursiveRef'],
];

interface Written {
  /** Of a rule for it, if something refers to it before it is written. */
  name: string | null;
  text: string | null;
}

export class SchemaGrammar implements Schemas {
  readonly grammar: Grammar;
  readonly dialect: Dialect;
  readonly #root: unknown;
  readonly #references = new Map<string, string>();
  readonly #written = new Map<object | string, Written>();
  readonly #merged = new WeakSet<object>();
  /** null: still being flattened. */
  readonly #flat = new Map<object, unknown>();

  /** @param root the document that `$ref` points into */
  constructor(grammar: Grammar, dialect: Dialect, root: unknown) {
    this.grammar = grammar;
    this.dialect = dialect;
    this.#root = root;
  }

  /**
   * EBNF of the values of `schema`.
   * @param at where it stands, for messages
   * @throws EngineError invalid_value
   */
  value(schema: unknown, at = '#'): string {
    if (schema === true || schema === undefined) return this.#anything();
    if (schema === false) return fail(at, 'allows nothing');
    if (!isSchemaObject(schema)) return fail(at, 'must be an object or a boolean');
    this.grammar.budget.spend('schemas');
    const key = this.#key(schema);
    const known = this.#written.get(key);
    if (known?.text != null) return known.text;
    if (known !== undefined) return (known.name ??= this.grammar.reserve('again'));
    const written: Written = { name: null, text: null };
    this.#written.set(key, written);
    written.text = this.#value(withoutNulls(schema), at);
    if (written.name !== null) this.grammar.define(written.name, written.text);
    return written.text;
  }

  /** What a schema is known by. Merging the same schemas again gives another object with the same text. */
  #key(schema: Schema): object | string {
    if (!this.#merged.has(schema)) return schema;
    const text = jsonText(schema);
    this.grammar.budget.spend('steps', text.length);
    return text;
  }

  #value(schema: Schema, at: string): string {
    const condition = conditions.find((key) => key in schema);
    if (condition !== undefined) fail(`${at}/${condition}`, 'is a condition that a grammar cannot enforce');
    if (typeof schema.$ref === 'string' && !saysMore(besideRef(schema))) return this.#rule(schema.$ref, at);
    if ('$ref' in schema || 'allOf' in schema) return this.value(this.flatten(schema, at), at);
    const { anyOf, oneOf, ...rest } = schema;
    if (anyOf !== undefined)
      return this.#any(list(anyOf, `${at}/anyOf`), oneOf === undefined ? rest : { ...rest, oneOf }, `${at}/anyOf`);
    if (oneOf !== undefined) return this.#one(list(oneOf, `${at}/oneOf`), rest, `${at}/oneOf`);
    if ('const' in schema || 'enum' in schema) return this.#listed(schema, at);
    const whole = evaluated(schema, at);
    const types = typesOf(whole, at);
    return types === null
      ? this.#anything()
      : (either(
          this.grammar,
          types.map((type) => this.#typed(whole, type, at)),
        ) ?? fail(at, 'allows nothing'));
  }

  /** `schema` with what its $ref and allOf say. */
  flatten(schema: unknown, at: string): unknown {
    if (!isSchemaObject(schema)) return schema;
    const known = this.#flat.get(schema);
    if (known !== undefined) return known ?? fail(at, 'refers to itself without end');
    this.#flat.set(schema, null);
    this.grammar.budget.spend('schemas');
    const flat = this.#flatten(schema, at);
    this.#flat.set(schema, flat);
    return flat;
  }

  #flatten(schema: Schema, at: string): unknown {
    const { $ref, allOf, ...rest } = withoutNulls(schema);
    if ($ref === undefined && allOf === undefined) return schema;
    const parts = [
      ...($ref === undefined ? [] : [this.#resolve($ref, at)]),
      ...(allOf === undefined ? [] : list(allOf, `${at}/allOf`)),
    ];
    if (parts.length === 1 && !saysMore(rest, true)) return this.#merge(rest, this.flatten(parts[0], at), at);
    return parts.reduce<unknown>((merged, part) => this.#merge(merged, this.#part(part, at, false), at), rest);
  }

  /** A schema that is to hold beside others, unless it is `alone`; what they evaluate stays unevaluated for it. */
  #part(schema: unknown, at: string, alone: boolean): unknown {
    const flat = this.flatten(schema, at);
    return isSchemaObject(flat) ? evaluated(flat, at, alone) : flat;
  }

  #merge(a: unknown, b: unknown, at: string): unknown {
    const merged = located(at, () => mergeSchemas(a, b, this.grammar.budget));
    if (isSchemaObject(merged) && merged !== a && merged !== b) this.#merged.add(merged);
    return merged;
  }

  /** A rule for what `$ref` points to, which may refer to itself. */
  #rule($ref: string, at: string): string {
    const known = this.#references.get($ref);
    if (known !== undefined) return known;
    const target = this.#resolve($ref, at);
    const name = this.grammar.reserve($ref.split('/').at(-1)?.replace('#', '') || 'document');
    this.#references.set($ref, name);
    this.grammar.define(name, this.value(target, $ref));
    return name;
  }

  #resolve($ref: unknown, at: string): unknown {
    if (typeof $ref !== 'string' || !$ref.startsWith('#'))
      return fail(`${at}/$ref`, 'must point into the schema itself (#/…)');
    const keys = located(`${at}/$ref`, () => pointerKeys($ref));
    const target = pointedTo(this.#root, keys);
    return target === undefined ? fail(`${at}/$ref`, `points to ${$ref}, which is not there`) : target;
  }

  #any(parts: readonly unknown[], rest: Schema, at: string): string {
    const branches = parts.map((part, i) => {
      const branch = saysMore(rest) ? this.#merge(rest, this.#part(part, at, !saysMore(rest, true)), at) : part;
      return branch === false ? null : this.value(branch, `${at}/${i}`);
    });
    return either(this.grammar, branches) ?? fail(at, 'allows nothing');
  }

  #one(parts: readonly unknown[], rest: Schema, at: string): string {
    const { budget } = this.grammar;
    const flat = parts.map((part) => this.#merge(rest, this.#part(part, at, !saysMore(rest, true)), at));
    const tag = tagOf(flat, (property) => this.flatten(property, at), budget);
    const overlap = findOverlap(flat, tag, budget);
    if (overlap !== null) {
      fail(at, `has schemas that may both hold (${overlap.join(' and ')}), which a grammar cannot prevent: use anyOf`);
    }
    return this.#any(tag === null ? parts : parts.map((part, i) => this.#requiring(tag, part, flat[i], at)), rest, at);
  }

  /** `part`, where the tag that tells it apart is not required, with the tag required: a default cannot tell. */
  #requiring(tag: string, part: unknown, flat: unknown, at: string): unknown {
    const isTold = !isObjectSchema(flat) || (Array.isArray(flat.required) && flat.required.includes(tag));
    return isTold ? part : this.#merge(this.flatten(part, at), { required: [tag] }, at);
  }

  /** What a schema lists, a boolean's values included; null when it does not list its values. */
  listedValues(schema: unknown, at: string): readonly unknown[] | null {
    const flattened = this.flatten(schema, at);
    if (!isSchemaObject(flattened)) return null;
    const flat = withoutNulls(flattened);
    if ([...conditions, 'anyOf', 'oneOf'].some((key) => key in flat)) return null;
    if ('const' in flat || 'enum' in flat) return allowedValues(flat, at, this.grammar.budget);
    return flat.type === 'boolean' ? [false, true] : null;
  }

  /** `const` and `enum`. */
  #listed(schema: Schema, at: string): string {
    const values = allowedValues(schema, at, this.grammar.budget);
    const texts = [...new Set(values.map((value) => this.#write(value)))];
    return this.grammar.shared(`listed ${JSON.stringify(texts)}`, () =>
      regularRule(this.grammar, 'listed', regular.either(texts.map(regular.textOf))),
    );
  }

  #write(value: unknown): string {
    if (typeof value === 'string') return this.dialect.quote(value);
    if (Array.isArray(value)) return `[${value.map((item) => this.#write(item)).join(',')}]`;
    if (!isSchemaObject(value)) return JSON.stringify(value);
    const members = Object.entries(value).map(([key, item]) => `${this.dialect.key(key)}:${this.#write(item)}`);
    return `{${members.join(',')}}`;
  }

  #typed(schema: Schema, type: JsonTypeName, at: string): string {
    switch (type) {
      case 'object':
        return this.grammar.rule('object', objectGrammar(this, schema, at));
      case 'array':
        return this.grammar.rule('array', arrayGrammar(this, schema, at));
      case 'string':
        return stringGrammar(this.grammar, this.dialect, schema, at);
      case 'integer':
      case 'number':
        return numericGrammar(this.grammar, schema, type, at);
      case 'boolean':
        return '("true" | "false")';
      case 'null':
        return '"null"';
    }
  }

  #anything(): string {
    const { grammar, dialect } = this;
    const member = `${dialect.anyKey(grammar)} value`;
    grammar.once('members', `"}" | ${dialect.comma} ${member} members`);
    grammar.once('elements', `"]" | ${dialect.comma} value elements`);
    const containers = `"{" ("}" | ${member} members) | "[" ("]" | value elements)`;
    return grammar.once(
      'value',
      `${dialect.anyString(grammar)} | ${numberRule(grammar)} | ${containers} | "true" | "false" | "null"`,
    );
  }
}

function besideRef({ $ref: _, ...rest }: Schema): Schema {
  return rest;
}
