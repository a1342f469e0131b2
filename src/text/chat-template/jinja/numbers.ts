/** Numbers from text, and rounding, as Python does them. */
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
  // toFixed is exact but for halves, which it rounds up; 30 more digits tell a half from what is near to it.
  const isHalf = /^-?\d+\.\d*50{29}$/.test(value.toFixed(Math.min(precision + 30, 100)));
  return isHalf ? roundHalfEven(value * scale) / scale : Number(value.toFixed(Math.min(precision, 100)));
}

function roundHalfEven(value: number): number {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}
