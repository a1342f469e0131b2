/** JSON numbers within bounds, digit by digit. Without exponents, and short enough to be exact in a double. */
import { either } from './ebnf.ts';

const longestInteger = 15; // digits: below 2^53
const longestFraction = 15;
const anyDigits = `[0-9]{0,${longestFraction - 1}}`;
const largest = '9'.repeat(longestInteger);

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

/** Integers from `min` to `max` (null: unbounded). null when there are none. */
export function integerGrammar(min: Bound | null, max: Bound | null): string | null {
  const low = min === null ? -Infinity : min.inclusive ? Math.ceil(min.value) : Math.floor(min.value) + 1;
  const high = max === null ? Infinity : max.inclusive ? Math.floor(max.value) : Math.ceil(max.value) - 1;
  if (low > high) return null;
  const digits = (n: number) => BigInt(Math.min(n, Number(largest))).toString();
  const negative = low < 0 ? naturals(digits(Math.max(1, -high)), digits(-low)) : null;
  return either([
    high >= 0 ? naturals(digits(Math.max(0, low)), digits(high)) : null,
    negative === null ? null : `"-" ${negative}`,
  ]);
}

/** Numbers from `min` to `max` (null: unbounded). null when there are none. */
export function numberGrammar(min: Bound | null, max: Bound | null): string | null {
  const low = min ?? { value: -Infinity, inclusive: true };
  const high = max ?? { value: Infinity, inclusive: true };
  if (low.value > high.value) return null;
  const negative = low.value < 0 ? magnitudes(negated(high), negated(low), false) : null;
  return either([high.value >= 0 ? magnitudes(low, high, true) : null, negative === null ? null : `"-" ${negative}`]);
}

const negated = ({ value, inclusive }: Bound): Bound => ({ value: -value, inclusive });

/** Non-negative numbers between two bounds, the lower of which may be negative; zero only if `withZero`. */
function magnitudes(low: Bound, high: Bound, withZero: boolean): string | null {
  const from = low.value < 0 || (low.value === 0 && !withZero) ? { value: 0, inclusive: withZero } : low;
  const a = decimal(from);
  const b = high.value > Number(largest) ? null : decimal(high);
  if (b !== null && a.whole === b.whole) {
    const fraction = fractionBetween(a, b);
    return fraction === null ? null : `"${a.whole}" ${fraction}`;
  }
  const next = (BigInt(a.whole) + 1n).toString();
  const last = b === null ? largest : (BigInt(b.whole) - 1n).toString();
  const between = BigInt(next) <= BigInt(last) ? naturals(next, last) : null;
  const atMost = b === null ? null : fractionAtMost(b);
  return either([
    `"${a.whole}" ${fractionAtLeast(a)}`,
    between === null ? null : `${between} ("." [0-9] ${anyDigits})?`,
    b === null || atMost === null ? null : `"${b.whole}" ${atMost}`,
  ]);
}

function decimal({ value, inclusive }: Bound): Decimal {
  const text = value.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 20 });
  const [whole = '0', fraction = ''] = text.split('.');
  return { whole, fraction, inclusive };
}

/** Natural numbers from a to b, a ≤ b, as digits. */
function naturals(a: string, b: string): string {
  if (a.length === b.length) return sameLength(a, b);
  const middle: string[] = [];
  if (b.length - a.length > 1) middle.push(`[1-9] [0-9]{${a.length},${b.length - 2}}`);
  const parts = [sameLength(a, '9'.repeat(a.length)), ...middle, sameLength(`1${'0'.repeat(b.length - 1)}`, b)];
  return either(parts) ?? '';
}

function sameLength(a: string, b: string): string {
  const [x = '', y = ''] = [a.charAt(0), b.charAt(0)];
  if (a.length === 1) return digitRange(Number(x), Number(y)) ?? '';
  if (/^0*$/.test(a.slice(1)) && /^9*$/.test(b.slice(1))) {
    return `${digitRange(Number(x), Number(y)) ?? ''} [0-9]{${a.length - 1}}`;
  }
  if (x === y) return `"${x}" ${sameLength(a.slice(1), b.slice(1))}`;
  const rest = a.length - 1;
  const between = digitRange(Number(x) + 1, Number(y) - 1);
  return (
    either([
      `"${x}" ${sameLength(a.slice(1), '9'.repeat(rest))}`,
      between === null ? null : `${between} [0-9]{${rest}}`,
      `"${y}" ${sameLength('0'.repeat(rest), b.slice(1))}`,
    ]) ?? ''
  );
}

function digitRange(from: number, to: number): string | null {
  return from > to ? null : from === to ? `"${from}"` : `[${from}-${to}]`;
}

// Fractions, the point included: what may follow the digits before it.

const nonZeroDigits = `"0"{0,${longestFraction - 2}} [1-9] ${anyDigits}`;

function fractionAtLeast({ fraction, inclusive }: Decimal): string {
  if (fraction === '') return inclusive ? `("." [0-9] ${anyDigits})?` : `"." ${nonZeroDigits}`;
  return `"." ${digitsAtLeast(fraction, inclusive)}`;
}

function digitsAtLeast(digits: string, inclusive: boolean): string {
  if (digits === '') return inclusive ? anyDigits : nonZeroDigits;
  const larger = digitRange(Number(digits.charAt(0)) + 1, 9);
  const equal = `"${digits.charAt(0)}" ${digitsAtLeast(digits.slice(1), inclusive)}`;
  return either([larger === null ? null : `${larger} ${anyDigits}`, equal]) ?? '';
}

/** null when there is none: the bound is a whole number and excluded. */
function fractionAtMost({ fraction, inclusive }: Decimal): string | null {
  if (fraction === '') return inclusive ? `("." "0"{1,${longestFraction}})?` : null;
  const digits = digitsAtMost(fraction, inclusive);
  return digits === null ? '""' : `("." ${digits})?`;
}

/** At least one digit; null when only none at all is small enough. */
function digitsAtMost(digits: string, inclusive: boolean): string | null {
  const digit = Number(digits.charAt(0));
  const rest = digits.slice(1);
  const smaller = digitRange(0, digit - 1);
  const deeper = rest === '' ? null : digitsAtMost(rest, inclusive);
  const equal =
    rest === '' ? (inclusive ? `"${digit}" "0"{0,${longestFraction}}` : null) : `"${digit}" (${deeper ?? '""'})?`;
  return either([smaller === null ? null : `${smaller} ${anyDigits}`, equal]);
}

/** Between two numbers with the same digits before the point. */
function fractionBetween(a: Decimal, b: Decimal): string | null {
  if (a.fraction === '' && a.inclusive) return fractionAtMost(b);
  const digits = digitsBetween(a.fraction, b.fraction, a.inclusive, b.inclusive);
  return digits === null ? null : `"." ${digits}`;
}

function digitsBetween(a: string, b: string, atA: boolean, atB: boolean): string | null {
  if (a === '' && b === '') return atA && atB ? `"0"{0,${longestFraction}}` : null;
  if (b === '') return null;
  const x = Number(a.charAt(0) || '0');
  const y = Number(b.charAt(0));
  if (x > y) return null;
  if (x === y) {
    const rest = digitsBetween(a.slice(1), b.slice(1), atA, atB);
    return rest === null ? null : `"${x}" ${rest}`;
  }
  const middle = digitRange(x + 1, y - 1);
  const restB = b.slice(1);
  const most = restB === '' ? (atB ? `"0"{0,${longestFraction}}` : null) : `(${digitsAtMost(restB, atB) ?? '""'})?`;
  return either([
    `"${x}" ${digitsAtLeast(a.slice(1), atA)}`,
    middle === null ? null : `${middle} ${anyDigits}`,
    most === null ? null : `"${y}" ${most}`,
  ]);
}
