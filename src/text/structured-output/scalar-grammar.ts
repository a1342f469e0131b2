/** Strings and numbers of a schema → EBNF. */
import type { Dialect } from './dialect.ts';
import { intersection, withLength } from './automaton.ts';
import type { Budget } from './budget.ts';
import { regularRule } from './regular-rule.ts';
import { anyText, either, textOf, type Regular } from './regular.ts';
import type { Grammar } from './ebnf.ts';
import { formatPattern } from './formats.ts';
import { bound, count, fail, located } from './keywords.ts';
import type { Schema } from './merge-schema.ts';
import { anyNumber, integerRange, integers, numbers, type Bound } from './number-grammar.ts';
import { parseRegex } from './regex.ts';

const mostMultiples = 1000;
const largestDivisor = 250;

export function stringGrammar(grammar: Grammar, dialect: Dialect, schema: Schema, at: string): string {
  const min = count(schema, 'minLength', at) ?? 0;
  const max = count(schema, 'maxLength', at);
  if (max !== null && max < min) fail(at, 'has a maxLength below its minLength');
  if (schema.pattern !== undefined || isKnownFormat(schema.format)) {
    const key = JSON.stringify([dialect.quote(''), schema.pattern, schema.format, min, max]);
    return grammar.shared(key, () =>
      located(at, () => {
        const counted = withLength(ofPattern(schema, max, grammar.budget), min, max, grammar.budget);
        return grammar.rule('pattern', dialect.regularString(grammar, counted));
      }),
    );
  }
  if (min > 0 || max !== null) return grammar.rule('counted', dialect.countedString(grammar, min, max));
  return dialect.anyString(grammar);
}

const isKnownFormat = (format: unknown): format is string =>
  typeof format === 'string' && formatPattern(format, null) !== null;

/** What `pattern` and a format that is known say of a string. */
function ofPattern({ pattern, format }: Schema, maxLength: number | null, budget: Budget): Regular {
  if (pattern !== undefined && typeof pattern !== 'string') throw new TypeError('has a pattern that is no string');
  const known = isKnownFormat(format) ? parseRegex(formatPattern(format, maxLength) ?? '', 'whole') : null;
  const own = pattern === undefined ? null : parseRegex(pattern, 'search');
  return known !== null && own !== null ? intersection(known, own, budget) : (own ?? known ?? anyText);
}

/** Any number, short enough to be read without loss. */
export function numberRule(grammar: Grammar): string {
  return grammar.shared('number', () => regularRule(grammar, 'number', anyNumber));
}

export function numericGrammar(grammar: Grammar, schema: Schema, type: 'integer' | 'number', at: string): string {
  const isInt32 = schema.format === 'int32';
  const min = bound(schema, 'Minimum', at) ?? (isInt32 ? { value: -(2 ** 31), inclusive: true } : null);
  const max = bound(schema, 'Maximum', at) ?? (isInt32 ? { value: 2 ** 31 - 1, inclusive: true } : null);
  const { multipleOf } = schema;
  if (type === 'number' && min === null && max === null && multipleOf === undefined) return numberRule(grammar);
  const isWhole = type === 'integer' || multipleOf === 1;
  const regular =
    multipleOf !== undefined && multipleOf !== 1
      ? multiples(multipleOf, min, max, at, grammar.budget)
      : isWhole
        ? integers(min, max)
        : numbers(min, max);
  const key = `number ${[isWhole, multipleOf, min?.value, min?.inclusive, max?.value, max?.inclusive].join()}`;
  return grammar.shared(key, () => regularRule(grammar, type, regular ?? fail(at, 'has bounds that no number keeps')));
}

/** Integers that `step` divides: listed where they are few, else by the remainder of the digits so far. */
function multiples(step: unknown, min: Bound | null, max: Bound | null, at: string, budget: Budget): Regular | null {
  const isWhole = typeof step === 'number' && Number.isInteger(step) && step > 0;
  if (!isWhole) return fail(`${at}/multipleOf`, 'cannot be enforced, except for whole numbers');
  const range = integerRange(min, max);
  if (range === null) return null;
  const [low, high] = range;
  if ((high - low) / step > mostMultiples) {
    if (step > largestDivisor) {
      const what = `above ${largestDivisor} needs bounds at most ${mostMultiples} steps apart`;
      return fail(`${at}/multipleOf`, what);
    }
    const all = integers(min, max);
    return all === null ? null : intersection(all, divisible(step), budget);
  }
  const values: Regular[] = [];
  // `+ 0`: -0 is written as 0.
  for (let n = Math.ceil(low / step) * step; n <= high; n += step) values.push(textOf(`${n + 0}`));
  return values.length === 0 ? null : either(values);
}

/** Digits, a minus before them or not, of a number that `step` divides: a state for each remainder. */
function divisible(step: number): Regular {
  const digits = (remainder: number) =>
    Array.from({ length: 10 }, (_, digit) => ({
      label: textOf(`${digit}`),
      to: 1 + ((remainder * 10 + digit) % step),
    }));
  const sign = { label: textOf('-'), to: 1 + step };
  const states = Array.from({ length: step }, (_, remainder) => ({ isEnd: remainder === 0, steps: digits(remainder) }));
  return {
    kind: 'graph',
    states: [{ isEnd: false, steps: [sign, ...digits(0)] }, ...states, { isEnd: false, steps: digits(0) }],
  };
}
