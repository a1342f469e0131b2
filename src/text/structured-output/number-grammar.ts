/** JSON numbers within bounds, digit by digit. Without exponents, and short enough to be exact in a double. */
import { chars, eitherOf, optional, repeat, sequenceOf, textOf, type Regular } from './regular.ts';

const longestInteger = 15; // digits: below 2^53
const longestFraction = 15;
const largest = '9'.repeat(longestInteger);
const digit = chars([[0x30, 0x39]]);
const nonZeroDigit = chars([[0x31, 0x39]]);
const anyDigits = repeat(digit, 0, longestFraction - 1);
const zeros = (min: number, max: number) => repeat(textOf('0'), min, max);
const nonZeroDigits = sequenceOf(zeros(0, longestFraction - 2), nonZeroDigit, anyDigits);
const nothing = textOf('');

export interface Bound {
  readonly value: number;
  readonly inclusive: boolean;
}

/** A non-negative decimal: digits before and after the point, without needless zeros. */
interface Decimal {
  readonly whole: string;
  readonly fraction: string;
  readonly inclusive: boolean;
}

/** Any number, with or without exponent. */
export const anyNumber = sequenceOf(
  optional(textOf('-')),
  eitherOf(textOf('0'), sequenceOf(nonZeroDigit, repeat(digit, 0, longestInteger - 1))),
  optional(sequenceOf(textOf('.'), digit, anyDigits)),
  optional(
    sequenceOf(eitherOf(textOf('e'), textOf('E')), optional(eitherOf(textOf('+'), textOf('-'))), repeat(digit, 1, 2)),
  ),
);

/** The first and the last integer from `min` to `max` (null: unbounded) that is written here; null when there are none. */
export function integerRange(min: Bound | null, max: Bound | null): readonly [low: number, high: number] | null {
  const low = min === null ? -Infinity : min.inclusive ? Math.ceil(min.value) : Math.floor(min.value) + 1;
  const high = max === null ? Infinity : max.inclusive ? Math.floor(max.value) : Math.ceil(max.value) - 1;
  if (low > high || low > Number(largest) || high < -Number(largest)) return null;
  return [Math.max(low, -Number(largest)), Math.min(high, Number(largest))];
}

/** Integers from `min` to `max` (null: unbounded). null when there are none. */
export function integers(min: Bound | null, max: Bound | null): Regular | null {
  const range = integerRange(min, max);
  if (range === null) return null;
  const [low, high] = range;
  return oneOf([
    high >= 0 ? naturals(`${Math.max(0, low)}`, `${high}`) : null,
    low < 0 ? sequenceOf(textOf('-'), naturals(`${Math.max(1, -high)}`, `${-low}`)) : null,
  ]);
}

/** Numbers from `min` to `max` (null: unbounded). null when there are none. */
export function numbers(min: Bound | null, max: Bound | null): Regular | null {
  const low = min ?? { value: -Infinity, inclusive: true };
  const high = max ?? { value: Infinity, inclusive: true };
  if (low.value > high.value || low.value > Number(largest) || high.value < -Number(largest)) return null;
  const negative = low.value < 0 ? magnitudes(negated(high), negated(low), false) : null;
  return oneOf([
    high.value >= 0 ? magnitudes(low, high, true) : null,
    negative === null ? null : sequenceOf(textOf('-'), negative),
  ]);
}

function oneOf(parts: readonly (Regular | null)[]): Regular | null {
  const possible = parts.filter((part) => part !== null);
  return possible.length === 0 ? null : eitherOf(...possible);
}

const negated = ({ value, inclusive }: Bound): Bound => ({ value: -value, inclusive });

/** Non-negative numbers between two bounds, the lower of which may be negative; zero only if `withZero`. */
function magnitudes(low: Bound, high: Bound, withZero: boolean): Regular | null {
  const from = low.value < 0 || (low.value === 0 && !withZero) ? { value: 0, inclusive: withZero } : low;
  const a = decimal(from);
  const b = high.value > Number(largest) ? null : decimal(high);
  if (b !== null && a.whole === b.whole) {
    const fraction = fractionBetween(a, b);
    return fraction === null ? null : sequenceOf(textOf(a.whole), fraction);
  }
  const next = (BigInt(a.whole) + 1n).toString();
  const last = b === null ? largest : (BigInt(b.whole) - 1n).toString();
  const atMost = b === null ? null : fractionAtMost(b);
  return oneOf([
    sequenceOf(textOf(a.whole), fractionAtLeast(a)),
    BigInt(next) > BigInt(last) ? null : sequenceOf(naturals(next, last), anyFraction),
    b === null || atMost === null ? null : sequenceOf(textOf(b.whole), atMost),
  ]);
}

function decimal({ value, inclusive }: Bound): Decimal {
  const text = value.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 20 });
  const [whole = '0', fraction = ''] = text.split('.');
  return { whole, fraction, inclusive };
}

/** Natural numbers from a to b, a ≤ b, as digits. */
function naturals(a: string, b: string): Regular {
  if (a.length === b.length) return sameLength(a, b);
  const between = sequenceOf(nonZeroDigit, repeat(digit, a.length, b.length - 2));
  return eitherOf(
    sameLength(a, '9'.repeat(a.length)),
    ...(b.length - a.length > 1 ? [between] : []),
    sameLength(`1${'0'.repeat(b.length - 1)}`, b),
  );
}

function sameLength(a: string, b: string): Regular {
  if (a === '') return nothing;
  const [x, y] = [Number(a.charAt(0)), Number(b.charAt(0))];
  const rest = a.length - 1;
  if (/^0*$/.test(a.slice(1)) && /^9*$/.test(b.slice(1))) return sequenceOf(digits(x, y), repeat(digit, rest, rest));
  if (x === y) return sequenceOf(textOf(`${x}`), sameLength(a.slice(1), b.slice(1)));
  return eitherOf(
    sequenceOf(textOf(`${x}`), sameLength(a.slice(1), '9'.repeat(rest))),
    ...(x + 1 > y - 1 ? [] : [sequenceOf(digits(x + 1, y - 1), repeat(digit, rest, rest))]),
    sequenceOf(textOf(`${y}`), sameLength('0'.repeat(rest), b.slice(1))),
  );
}

const digits = (from: number, to: number) => chars([[0x30 + from, 0x30 + to]]);
const digitsOrNone = (from: number, to: number, rest: Regular) =>
  from > to ? null : sequenceOf(digits(from, to), rest);

// Fractions, the point included: what may follow the digits before it.

const anyFraction = optional(sequenceOf(textOf('.'), digit, anyDigits));
const behindPoint = (part: Regular) => sequenceOf(textOf('.'), part);

function fractionAtLeast({ fraction, inclusive }: Decimal): Regular {
  if (fraction === '') return inclusive ? anyFraction : behindPoint(nonZeroDigits);
  return behindPoint(digitsAtLeast(fraction, inclusive));
}

function digitsAtLeast(bound: string, inclusive: boolean): Regular {
  if (bound === '') return inclusive ? anyDigits : nonZeroDigits;
  const x = Number(bound.charAt(0));
  const equal = sequenceOf(textOf(`${x}`), digitsAtLeast(bound.slice(1), inclusive));
  return oneOf([digitsOrNone(x + 1, 9, anyDigits), equal]) ?? equal;
}

/** null when there is none: the bound is a whole number and excluded. */
function fractionAtMost({ fraction, inclusive }: Decimal): Regular | null {
  if (fraction === '') return inclusive ? optional(behindPoint(zeros(1, longestFraction))) : null;
  const part = digitsAtMost(fraction, inclusive);
  return part === null ? nothing : optional(behindPoint(part));
}

/** At least one digit; null when only none at all is small enough. */
function digitsAtMost(bound: string, inclusive: boolean): Regular | null {
  const x = Number(bound.charAt(0));
  const rest = bound.slice(1);
  const deeper = rest === '' ? null : digitsAtMost(rest, inclusive);
  const tail =
    rest === '' ? (inclusive ? zeros(0, longestFraction) : null) : deeper === null ? nothing : optional(deeper);
  return oneOf([digitsOrNone(0, x - 1, anyDigits), tail === null ? null : sequenceOf(textOf(`${x}`), tail)]);
}

/** Between two numbers with the same digits before the point. */
function fractionBetween(a: Decimal, b: Decimal): Regular | null {
  if (a.fraction === '' && a.inclusive) return fractionAtMost(b);
  const part = digitsBetween(a.fraction, b.fraction, a.inclusive, b.inclusive);
  return part === null ? null : behindPoint(part);
}

function digitsBetween(a: string, b: string, atA: boolean, atB: boolean): Regular | null {
  if (b === '') return a === '' && atA && atB ? zeros(0, longestFraction) : null;
  const x = Number(a.charAt(0) || '0');
  const y = Number(b.charAt(0));
  if (x > y) return null;
  if (x === y) {
    const rest = digitsBetween(a.slice(1), b.slice(1), atA, atB);
    return rest === null ? null : sequenceOf(textOf(`${x}`), rest);
  }
  const restB = b.slice(1);
  const deeper = restB === '' ? null : digitsAtMost(restB, atB);
  const most = restB === '' ? (atB ? zeros(0, longestFraction) : null) : deeper === null ? nothing : optional(deeper);
  return oneOf([
    sequenceOf(textOf(`${x}`), digitsAtLeast(a.slice(1), atA)),
    digitsOrNone(x + 1, y - 1, anyDigits),
    most === null ? null : sequenceOf(textOf(`${y}`), most),
  ]);
}
