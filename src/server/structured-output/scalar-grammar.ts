/** Strings and numbers of a schema → EBNF. */
import type { Dialect } from './dialect.ts';
import { either, type Grammar } from './ebnf.ts';
import { formatPatterns } from './formats.ts';
import { bound, count, fail, located } from './keywords.ts';
import type { Schema } from './merge-schema.ts';
import { integerGrammar, numberGrammar, type Bound } from './number-grammar.ts';

const mostMultiples = 1000;
const noNumber = 'has bounds that no number keeps';

export function stringGrammar(grammar: Grammar, dialect: Dialect, schema: Schema, at: string): string {
  const min = count(schema, 'minLength', at) ?? 0;
  const max = count(schema, 'maxLength', at);
  if (max !== null && max < min) fail(at, 'has a maxLength below its minLength');
  const isCounted = min > 0 || max !== null;
  const { pattern, format } = schema;
  if (pattern !== undefined) {
    if (typeof pattern !== 'string') return fail(`${at}/pattern`, 'must be a string');
    if (isCounted) fail(at, 'has both a pattern and a length: write the length into the pattern, as in ^[a-z]{1,8}$');
    return grammar.rule(
      'pattern',
      located(`${at}/pattern`, () => dialect.patternString(pattern)),
    );
  }
  if (isCounted) return grammar.rule('counted', dialect.countedString(grammar, min, max));
  const known =
    typeof format === 'string' && Object.hasOwn(formatPatterns, format) ? formatPatterns[format] : undefined;
  return known === undefined ? dialect.anyString(grammar) : grammar.rule('format', dialect.patternString(known));
}

/** Any number, short enough to be read without loss. */
export function anyNumber(grammar: Grammar): string {
  return grammar.rule('number', '"-"? ("0" | [1-9] [0-9]{0,14}) ("." [0-9]{1,15})? ([eE] [+-]? [0-9]{1,2})?');
}

export function numericGrammar(grammar: Grammar, schema: Schema, type: 'integer' | 'number', at: string): string {
  const min = bound(schema, 'Minimum', at);
  const max = bound(schema, 'Maximum', at);
  if (schema.multipleOf !== undefined && schema.multipleOf !== 1) {
    return grammar.rule(type, multiples(schema.multipleOf, min, max, at));
  }
  if (type === 'integer' || schema.multipleOf === 1)
    return grammar.rule(type, integerGrammar(min, max) ?? fail(at, noNumber));
  if (min === null && max === null) return anyNumber(grammar);
  return grammar.rule(type, numberGrammar(min, max) ?? fail(at, noNumber));
}

function multiples(step: unknown, min: Bound | null, max: Bound | null, at: string): string {
  const isWhole = typeof step === 'number' && Number.isInteger(step) && step > 0;
  if (!isWhole || min === null || max === null || (max.value - min.value) / step > mostMultiples) {
    return fail(
      `${at}/multipleOf`,
      `cannot be enforced, except with whole steps and bounds at most ${mostMultiples} steps apart`,
    );
  }
  const values: string[] = [];
  for (let n = Math.ceil(min.value / step) * step; n <= max.value; n += step) {
    if ((n > min.value || min.inclusive) && (n < max.value || max.inclusive)) values.push(`"${n}"`);
  }
  return either(values) ?? fail(at, noNumber);
}
