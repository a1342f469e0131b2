/** What a schema allows, apart: its strings, and all else. */
import type { Budget } from '../structured-output/budget.ts';
import { areDisjoint } from '../structured-output/disjoint-schemas.ts';
import { fail, list, saysMore, typesOf, withoutNulls } from '../structured-output/keywords.ts';
import { allowedValues } from '../structured-output/listed-values.ts';
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
      split(rest, at, texts, others, schemas.grammar.budget);
      continue;
    }
    const beside = anyOf === undefined || oneOf === undefined ? rest : { ...rest, oneOf };
    let branches = list(anyOf ?? oneOf, `${at}/${anyOf === undefined ? 'oneOf' : 'anyOf'}`).map((branch) =>
      saysMore(beside) ? schemas.flatten({ allOf: [beside, branch] }, at) : branch,
    );
    if (anyOf === undefined) {
      const flats = branches.map((branch) => schemas.flatten(branch, at));
      const areTexts = flats.map((branch) => mayBeText(branch, at));
      const overlap = overlapOf(flats, areTexts, schemas.grammar.budget);
      if (overlap !== null)
        refused.push(() => fail(`${at}/oneOf`, `has schemas that may both hold (${overlap}): use anyOf`));
      // Those without strings stay one schema: a property may tell them apart.
      const withoutText = branches.filter((_, i) => !areTexts[i]);
      if (withoutText.length > 0) others.push({ oneOf: withoutText });
      branches = branches.filter((_, i) => areTexts[i]);
    }
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

/** @param schema flat */
function mayBeText(schema: unknown, at: string): boolean {
  if (schema === false) return false;
  if (!isSchemaObject(schema) || 'anyOf' in schema || 'oneOf' in schema) return true;
  const types = typesOf(schema, at);
  return types === null ? !('enum' in schema) && !('const' in schema) : types.includes('string');
}

/** Two of the schemas that may both hold, of which one may be a text; the others among themselves are their grammar's to judge. */
function overlapOf(flats: readonly unknown[], areTexts: readonly boolean[], budget: Budget): string | null {
  for (const [i, isText] of areTexts.entries()) {
    const j = isText ? flats.findIndex((other, k) => k !== i && !areDisjoint(flats[i], other, budget)) : -1;
    if (j >= 0) return [Math.min(i, j) + 1, Math.max(i, j) + 1].join(' and ');
  }
  return null;
}

/** A schema without alternatives, into its strings and its other values. */
function split(schema: Schema, at: string, texts: StringSchema[], others: unknown[], budget: Budget): void {
  if ('const' in schema || 'enum' in schema) {
    const values = allowedValues(schema, at, budget);
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
