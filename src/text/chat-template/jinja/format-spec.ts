/** Python's format specifications (`>10`, `05.2f`, `,`), shared by `%`, `str.format` and the format filter. */
import { TemplateError } from './errors.ts';
import { exponentialText, fixedText } from './numbers.ts';
import { floatText, integerText, str } from './print.ts';
import { Float, numberOf, typeName, type Value } from './values.ts';

interface FormatSpec {
  readonly fill: string;
  readonly align: '<' | '>' | '^' | '=' | '';
  readonly sign: '+' | '-' | ' ';
  readonly alternate: boolean;
  readonly width: number;
  readonly grouping: string;
  readonly precision: number | null;
  readonly type: string;
}

const pattern = /^(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/su;

export function parseFormatSpec(text: string): FormatSpec {
  const match = pattern.exec(text);
  if (!match) throw new TemplateError(`Invalid format specifier '${text}'`);
  const [, fill, align, sign, alternate, zero, width, grouping, precision, type] = match as (string | undefined)[];
  return {
    fill: fill ?? (zero ? '0' : ' '),
    align: (align ?? (zero ? '=' : '')) as FormatSpec['align'],
    sign: (sign ?? '-') as FormatSpec['sign'],
    alternate: alternate !== undefined,
    width: Number(width ?? 0),
    grouping: grouping ?? '',
    precision: precision === undefined ? null : Number(precision),
    type: type ?? '',
  };
}

export function formatValue(value: Value, spec: FormatSpec): string {
  const number = numberOf(value);
  if (number === null || (typeof value === 'boolean' && spec.type === '')) {
    if (spec.type !== '' && spec.type !== 's') {
      throw new TemplateError(`Unknown format code '${spec.type}' for object of type '${typeName(value)}'`);
    }
    const text = str(value);
    return pad(spec.precision === null ? text : Array.from(text).slice(0, spec.precision).join(''), '', spec, '<');
  }
  const digits = formatMagnitude(value, Math.abs(number), spec);
  const isNegative = number < 0 || Object.is(number, -0);
  return pad(digits, isNegative ? '-' : spec.sign === '-' ? '' : spec.sign, spec, '>');
}

function formatMagnitude(value: Value, magnitude: number, spec: FormatSpec): string {
  const whole = !(value instanceof Float);
  const bases: Record<string, [number, string]> = { b: [2, '0b'], o: [8, '0o'], x: [16, '0x'], X: [16, '0X'] };
  const base = bases[spec.type] as [number, string] | undefined;
  if (base && whole) {
    const digits = magnitude.toString(base[0]);
    return (spec.alternate ? base[1] : '') + (spec.type === 'X' ? digits.toUpperCase() : digits);
  }
  const cased = (text: string) => ('EFG'.includes(spec.type) ? text.toUpperCase() : text);
  switch (spec.type) {
    case 'd':
    case 'n':
    case '':
      if (whole) return group(integerText(magnitude), spec.grouping);
      if (spec.type === 'd') throw new TemplateError(`Unknown format code 'd' for object of type 'float'`);
      return group(
        spec.precision === null ? floatText(magnitude) : general(magnitude, spec.precision, true),
        spec.grouping,
      );
    case 'f':
    case 'F':
      return cased(group(fixedText(magnitude, spec.precision ?? 6), spec.grouping));
    case '%':
      return group(fixedText(magnitude * 100, spec.precision ?? 6), spec.grouping) + '%';
    case 'e':
    case 'E':
      return cased(exponentialText(magnitude, spec.precision ?? 6));
    case 'g':
    case 'G':
      return cased(group(general(magnitude, spec.precision ?? 6, false), spec.grouping));
    default:
      throw new TemplateError(`Unknown format code '${spec.type}' for object of type '${typeName(value)}'`);
  }
}

function general(magnitude: number, precision: number, keepPoint: boolean): string {
  if (!Number.isFinite(magnitude)) return floatText(magnitude);
  const digits = Math.max(1, precision);
  const [mantissa, power] = exponentialText(magnitude, digits - 1).split('e');
  const exponent = Number(power);
  const short = (text: string) => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);
  if (exponent < -4 || exponent >= (keepPoint ? Math.max(digits - 1, 1) : digits)) {
    return `${short(mantissa)}e${power}`;
  }
  const text = short(fixedText(magnitude, Math.max(0, digits - 1 - exponent)));
  return keepPoint && !text.includes('.') ? `${text}.0` : text;
}

function group(digits: string, separator: string): string {
  if (separator === '') return digits;
  const [whole, ...rest] = digits.split('.');
  return [whole.replace(/\B(?=(\d{3})+$)/g, separator), ...rest].join('.');
}

function pad(body: string, sign: string, spec: FormatSpec, natural: '<' | '>'): string {
  const missing = Math.max(0, spec.width - Array.from(sign + body).length);
  const align = spec.align || natural;
  if (align === '=') return sign + spec.fill.repeat(missing) + body;
  if (align === '<') return sign + body + spec.fill.repeat(missing);
  if (align === '>') return spec.fill.repeat(missing) + sign + body;
  const left = Math.floor(missing / 2);
  return spec.fill.repeat(left) + sign + body + spec.fill.repeat(missing - left);
}
