/** jinja2's tests (`x is defined`) by name. */
import { wantInteger } from './arguments.ts';
import { TemplateError } from './errors.ts';
import { isLower, isUpper } from './letter-case.ts';
import { binaryOperators, contains } from './operators.ts';
import { str } from './print.ts';
import {
  Callable,
  equal,
  Float,
  isOnce,
  isSequence,
  numberOf,
  Undefined,
  View,
  type Arguments,
  type Keywords,
  type Value,
} from './values.ts';

export type Test = (value: Value, args: Arguments, keywords: Keywords) => boolean;

const remainder = (value: Value, by: Value) => numberOf(binaryOperators['%'](value, by));
const compares =
  (operator: string): Test =>
  (value, [other]) =>
    binaryOperators[operator](value, other ?? null) === true;

const all: Readonly<Record<string, Test>> = {
  defined: (value) => !(value instanceof Undefined),
  undefined: (value) => value instanceof Undefined,
  none: (value) => value === null,
  true: (value) => value === true,
  false: (value) => value === false,
  boolean: (value) => typeof value === 'boolean',
  string: (value) => typeof value === 'string',
  number: (value) => numberOf(value) !== null,
  integer: (value) => typeof value === 'number' || typeof value === 'bigint',
  float: (value) => value instanceof Float,
  mapping: (value) => value instanceof Map,
  sequence: (value) =>
    typeof value === 'string' || isSequence(value) || value instanceof Map || value instanceof Undefined,
  iterable: (value) => all['sequence'](value, [], new Map()) || value instanceof View || isOnce(value),
  callable: (value) => value instanceof Callable || value instanceof Undefined,
  escaped: () => false,
  lower: (value) => isLower(str(value)),
  upper: (value) => isUpper(str(value)),
  odd: (value) => remainder(value, 2) === 1,
  even: (value) => remainder(value, 2) === 0,
  divisibleby: (value, [by]) => remainder(value, wantInteger('divisibleby', by)) === 0,
  sameas: (value, [other]) =>
    value instanceof Float && other instanceof Float ? value.value === other.value : value === other,
  in: (value, [container]) => contains(container, value),
  eq: (value, [other]) => equal(value, other),
  ne: (value, [other]) => !equal(value, other),
  lt: compares('<'),
  le: compares('<='),
  gt: compares('>'),
  ge: compares('>='),
};

const aliases: Record<string, string> = {
  '==': 'eq',
  equalto: 'eq',
  '!=': 'ne',
  '<': 'lt',
  lessthan: 'lt',
  '<=': 'le',
  '>': 'gt',
  greaterthan: 'gt',
  '>=': 'ge',
};

export function testOf(name: string): Test {
  const known = aliases[name] ?? name;
  if (Object.hasOwn(all, known)) return all[known];
  throw new TemplateError(`the test '${name}' is not known; known are ${Object.keys(all).sort().join(', ')}`);
}
