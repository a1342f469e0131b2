/** What a schema allows, apart: its strings, and all else. */
import { findOverlap } from '../structured-output/disjoint-schemas.ts';
import { fail, isOfType, list, saysMore, typesOf, withoutNulls } from '../structured-output/keywords.ts';
import { isSchemaObject, jsonText, type Schema } from '../structured-output/merge-schema.ts';
import { conditions, type SchemaGrammar } from '../structured-output/schema-grammar.ts';

/** Keywords of strings, or a list of them. */
export interface StringSchema extends Schema {
  readonly enum?: readonly string[];
}

export interface TextsAndOthers {
  readonly texts: readonly StringSchema[];
  readonly others: readonly unknown[];
}

/**
 * The alternatives of `schema`, through $ref, allOf, anyOf and oneOf. Where it says nothing it allows any string and any
 * other value. @throws EngineError invalid_value for what a grammar cannot keep, if there are strings
 */
export function textsAndOthers(schemas: SchemaGrammar, schema: unknown, at: string): TextsAndOthers {
  const texts: StringSchema[] = [];
  const others: unknown[] = [];
  const refused: (() => never)[] = [];
  const due = [schema];
  const seen = new Set<unknown>(); // a schema may lead back to itself
  for (const part of due) {
    const flat = schemas.flatten(part, at) ?? true;
    if (flat === false || (flat !== true && !isSchemaObject(flat))) {
      others.push(flat);
      continue;
    }
    const { anyOf, oneOf, ...rest } = flat === true ? {} : withoutNulls(flat);
    const condition = conditions.find((key) => key in rest);
    if (condition !== undefined)
      refused.push(() => fail(`${at}/${condition}`, 'is a condition that a grammar cannot enforce'));
    if (anyOf === undefined && oneOf === undefined) {
      split(rest, at, texts, others);
      continue;
    }
    const beside = anyOf === undefined || oneOf === undefined ? rest : { ...rest, oneOf };
    const branches = list(anyOf ?? oneOf, `${at}/${anyOf === undefined ? 'oneOf' : 'anyOf'}`).map((branch) =>
      saysMore(beside) ? schemas.flatten({ allOf: [beside, branch] }, at) : branch,
    );
    const overlap = anyOf === undefined ? overlapOf(schemas, branches, at) : null;
    if (overlap !== null)
      refused.push(() => fail(`${at}/oneOf`, `has schemas that may both hold (${overlap}): use anyOf`));
    for (const branch of branches) {
      // What was merged is another object each time.
      const key = saysMore(beside) ? jsonText(branch) : branch;
      if (typeof key === 'string') schemas.grammar.budget.spend('steps', key.length);
      if (!seen.has(key)) due.push(branch);
      seen.add(key);
    }
  }
  if (texts.length > 0) refused[0]?.();
  return { texts, others };
}

function overlapOf(schemas: SchemaGrammar, branches: readonly unknown[], at: string): string | null {
  const flat = branches.map((branch) => schemas.flatten(branch, at));
  return findOverlap(flat, null, schemas.grammar.budget)?.join(' and ') ?? null;
}

/** A schema without alternatives, into its strings and its other values. */
function split(schema: Schema, at: string, texts: StringSchema[], others: unknown[]): void {
  if ('const' in schema || 'enum' in schema) {
    const values = listedValues(schema, at);
    const strings = values.filter((value) => typeof value === 'string');
    const rest = values.filter((value) => typeof value !== 'string');
    if (strings.length > 0) texts.push({ enum: strings });
    if (rest.length > 0) others.push({ enum: rest });
    return;
  }
  const types = typesOf(schema, at);
  if (types === null || types.includes('string')) texts.push({ ...schema, type: 'string' });
  const rest = types?.filter((type) => type !== 'string');
  if (rest === undefined) others.push(true);
  else if (rest.length > 0) others.push({ ...schema, type: rest });
}

function listedValues(schema: Schema, at: string): readonly unknown[] {
  const types = schema.type === undefined ? null : typesOf(schema, at);
  const listed = schema.enum === undefined ? null : list(schema.enum, `${at}/enum`);
  const values = 'const' in schema ? [schema.const] : (listed ?? []);
  const known = 'const' in schema && listed !== null ? new Set(listed.map(jsonText)) : null;
  return values.filter(
    (value) => (types === null || types.some((type) => isOfType(value, type))) && known?.has(jsonText(value)) !== false,
  );
}
