/** Numbers from text, and rounding, as Python does them. */
import { floatText } from './print.ts';
import { numberOf, type Value } from './values.ts';
import { strip } from './white-space.ts';

/** `int(value, base)`, or the whole part of `float(value)`; null where neither works. */
export function integerFrom(value: Value, base: number): number | null {
  if (typeof value === 'string') {
    const text = strip(value).replace(/(?<=\w)_(?=\w)/g, '');
    const [, sign, digits] = /^([-+]?)(\w+)$/.exec(text) ?? [];
    const body = digits?.replace(/^0[xX](?=.)/, (prefix) => (base === 16 ? '' : prefix));
    const plain = base === 8 || base === 2 ? body?.replace(/^0[oObB]/, '') : body;
    if (plain !== undefined && isInBase(plain, base)) return parseInt(plain, base) * (sign === '-' ? -1 : 1);
  }
  const number = floatFrom(value);
  return number === null || !Number.isFinite(number) ? null : Math.trunc(number);
}

function isInBase(digits: string, base: number): boolean {
  return [...digits].every((digit) => !Number.isNaN(parseInt(digit, base)));
}

/** `float(value)`; null where it fails. */
export function floatFrom(value: Value): number | null {
  if (typeof value !== 'string') return numberOf(value);
  const text = strip(value).replace(/(?<=\d)_(?=\d)/g, '');
  const special = /^([-+]?)(?:inf(?:inity)?|(nan))$/i.exec(text);
  if (special) return special[2] ? NaN : special[1] === '-' ? -Infinity : Infinity;
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : null;
}

/** Halves go to the even neighbour with 'common'. */
export function roundNumber(value: number, precision: number, method: string): number {
  const scale = 10 ** precision;
  if (method === 'ceil') return Math.ceil(value * scale) / scale;
  if (method === 'floor') return Math.floor(value * scale) / scale;
  if (precision < 0) return roundHalfEven(value * scale) / scale;
  if (!Number.isFinite(value)) return value;
  const rounded = Number(fixedText(Math.abs(value), precision));
  return value < 0 || Object.is(value, -0) ? -rounded : rounded;
}

function roundHalfEven(value: number): number {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

/** Digits behind the point that a double can have at most; all behind them are zeros. */
const MAX_DECIMALS = 1074;

/** `%.Nf` of a magnitude: exact, where JavaScript's toFixed rounds halves up and ends at 100 digits and 1e21. */
export function fixedText(magnitude: number, precision: number): string {
  if (!Number.isFinite(magnitude)) return floatText(magnitude);
  const computed = Math.min(precision, MAX_DECIMALS);
  const [numerator, denominator] = fraction(magnitude);
  const digits = divide(numerator * 10n ** BigInt(computed), denominator)
    .toString()
    .padStart(computed + 1, '0');
  const point = digits.length - computed;
  return precision === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point).padEnd(precision, '0')}`;
}

/** `%.Ne` of a magnitude, in the same way. */
export function exponentialText(magnitude: number, precision: number): string {
  if (!Number.isFinite(magnitude)) return floatText(magnitude);
  const computed = Math.min(precision, MAX_DECIMALS);
  // Right even where toExponential rounds a half up and Python does not: neither then gets a digit more.
  const exponent = Number(magnitude.toExponential(Math.min(precision, 100)).split('e')[1]);
  const [numerator, denominator] = fraction(magnitude);
  const shift = 10n ** BigInt(Math.abs(computed - exponent));
  const scaled = computed > exponent ? divide(numerator * shift, denominator) : divide(numerator, denominator * shift);
  const digits = scaled.toString().padEnd(precision + 1, '0');
  const mantissa = precision === 0 ? digits : `${digits[0]}.${digits.slice(1)}`;
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/** Doubling is exact. */
function fraction(magnitude: number): [numerator: bigint, denominator: bigint] {
  let [whole, doublings] = [magnitude, 0n];
  for (; !Number.isInteger(whole); doublings++) whole *= 2;
  return [BigInt(whole), 1n << doublings];
}

/** Halves go to the even neighbour. */
function divide(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = 2n * (numerator % denominator);
  return twice > denominator || (twice === denominator && quotient % 2n === 1n) ? quotient + 1n : quotient;
}
