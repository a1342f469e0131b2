/** Objects of a schema → EBNF: declared properties in the schema's order, then others where the schema asks for them. */
import { either, literal, type Grammar } from './ebnf.ts';
import { inPointer } from './json-pointer.ts';
import { count, fail, list, located, saysMore } from './keywords.ts';
import { isSchemaObject, type Schema } from './merge-schema.ts';
import { parseRegex } from './regex.ts';
import type { Schemas } from './schemas.ts';

/** One declared member as EBNF: what stands before its value, the value, what stands after it. */
export interface Member {
  readonly text: string;
  readonly isRequired: boolean;
}

/** Members that are not declared. */
interface Others {
  readonly member: string;
  readonly min: number;
  readonly max: number | null;
}

export interface Brackets {
  readonly open: string;
  readonly close: string;
  readonly comma: string;
}

export function objectGrammar(schemas: Schemas, schema: Schema, at: string): string {
  const { grammar, dialect } = schemas;
  const members = declaredMembers(schemas, schema, at, (name) => `${literal(dialect.key(name))} ${dialect.colon}`);
  const brackets = { open: '"{"', close: '"}"', comma: dialect.comma };
  if (members.length > 0)
    return sequence(grammar, members, brackets, besideDeclared(schemas, schema, members.length, at));
  const others = undeclared(schemas, schema, at);
  return others === null ? '"{}"' : repeated(grammar, others, brackets);
}

/** @param before EBNF of what stands before a property's value; `after` of what stands behind it */
export function declaredMembers(
  schemas: Schemas,
  schema: Schema,
  at: string,
  before: (name: string, property: unknown) => string,
  value: (property: unknown, at: string) => string = (property, where) => schemas.value(property, where),
): Member[] {
  const properties = isSchemaObject(schema.properties) ? Object.entries(schema.properties) : [];
  const required = new Set(schema.required === undefined ? [] : list(schema.required, `${at}/required`));
  const declared = new Set(properties.map(([name]) => name));
  const missing = [...required].filter((name): name is string => typeof name === 'string' && !declared.has(name));
  return [...properties, ...missing.map((name): [string, unknown] => [name, schema.additionalProperties ?? true])]
    .filter(([name, property]) => property !== false || required.has(name))
    .map(([name, property]) => ({
      text: `${before(name, property)} ${value(property, `${at}/properties/${inPointer(name)}`)}`,
      isRequired: required.has(name),
    }));
}

function besideDeclared(schemas: Schemas, schema: Schema, declared: number, at: string): Others | null {
  const { dialect, grammar } = schemas;
  if (isSchemaObject(schema.patternProperties) || saysMore(schema.propertyNames, true)) {
    fail(at, 'has both properties and rules for the names of others, which a grammar cannot enforce');
  }
  const isOpen = schema.additionalProperties !== undefined && schema.additionalProperties !== false;
  const required = Array.isArray(schema.required) ? schema.required.length : 0;
  const max = count(schema, 'maxProperties', at);
  if ((count(schema, 'minProperties', at) ?? 0) > required || (max !== null && (isOpen || max < declared))) {
    fail(at, 'counts its properties, which a grammar cannot enforce beside declared ones');
  }
  if (!isOpen) return null;
  const names = Object.keys(isSchemaObject(schema.properties) ? schema.properties : {});
  const value = schemas.value(schema.additionalProperties, `${at}/additionalProperties`);
  return { member: `${dialect.otherKey(grammar, names)} ${value}`, min: 0, max: null };
}

/** Members of an object that declares none; null when it must be empty. */
function undeclared(schemas: Schemas, schema: Schema, at: string): Others | null {
  const { dialect, grammar } = schemas;
  const min = count(schema, 'minProperties', at) ?? 0;
  const max = count(schema, 'maxProperties', at);
  if (max !== null && max < min) fail(at, 'has a maxProperties below its minProperties');
  const patterns = isSchemaObject(schema.patternProperties) ? Object.entries(schema.patternProperties) : [];
  const [first] = patterns;
  if (first !== undefined) {
    const where = `${at}/patternProperties`;
    if (patterns.length > 1) fail(where, 'has several patterns, whose overlap a grammar cannot enforce');
    const key = located(where, () => dialect.regularString(grammar, parseRegex(first[0], 'search')));
    return { member: `${key} ${dialect.colon} ${schemas.value(first[1], where)}`, min, max };
  }
  if (schema.additionalProperties === false || max === 0) return min === 0 ? null : fail(at, 'allows nothing');
  const value = schemas.value(schema.additionalProperties, `${at}/additionalProperties`);
  if (!saysMore(schema.propertyNames, true)) return { member: `${dialect.anyKey(grammar)} ${value}`, min, max };
  const names = { type: 'string', ...(schema.propertyNames as Schema) };
  return { member: `${schemas.value(names, `${at}/propertyNames`)} ${dialect.colon} ${value}`, min, max };
}

function repeated(grammar: Grammar, { member, min, max }: Others, { open, close, comma }: Brackets): string {
  const one = grammar.rule('member', member);
  let more: string;
  if (max === null && min <= 1) {
    more = grammar.reserve('members');
    grammar.define(more, `${close} | ${comma} ${one} ${more}`);
  } else more = `(${comma} ${one}){${Math.max(0, min - 1)},${max === null ? '' : max - 1}} ${close}`;
  return min === 0 ? `${open} (${close} | ${one} ${more})` : `${open} ${one} ${more}`;
}

/** Members in order, the optional ones there or not, then any number of others; commas between. */
export function sequence(
  grammar: Grammar,
  members: readonly Member[],
  brackets: Brackets,
  others: Others | null,
): string {
  const { open, close, comma } = brackets;
  let first = close; // what may follow `open` with nothing written yet
  let later = close; // what may follow a member
  if (others !== null) {
    const more = grammar.reserve('others');
    grammar.define(more, `${close} | ${comma} ${others.member} ${more}`);
    first = `${close} | ${others.member} ${more}`;
    later = more;
  }
  for (const { text, isRequired } of [...members].reverse()) {
    const member = grammar.rule('member', text);
    const rest = grammar.rule('more', later);
    // Where a member may be missing, what follows may begin as it does.
    first = isRequired ? `${member} ${rest}` : (either(grammar, [`${member} ${rest}`, first]) ?? first);
    later = isRequired ? `${comma} ${member} ${rest}` : (either(grammar, [`${comma} ${member} ${rest}`, rest]) ?? rest);
  }
  return `${open} (${first})`;
}
