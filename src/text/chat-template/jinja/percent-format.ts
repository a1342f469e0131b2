import { TemplateError } from './errors.ts';
import { formatValue, parseFormatSpec } from './format-spec.ts';
import { repr, str } from './print.ts';
import { Float, numberOf, Tuple, typeName, Undefined, type Value } from './values.ts';

const conversion = /%(?:\(([^)]*)\))?([-+ #0]*)(\d+|\*)?(?:\.(\d+))?[hlL]?(.)/gs;

/** `'%s is %.1f' % (name, value)` and `'%(name)s' % dict`. */
export function formatPercent(format: string, values: Value): string {
  const positional = values instanceof Tuple ? values.items : [values];
  let used = 0;
  const text = format.replace(
    conversion,
    (_whole, key: string | undefined, flags: string, width?: string, precision?: string, type?: string) => {
      if (type === '%') return '%';
      let value: Value | undefined;
      if (key === undefined) value = positional[used++];
      else value = values instanceof Map ? values.get(key) : undefined;
      if (value === undefined || width === '*') throw new TemplateError('not enough arguments for format string');
      return formatOne(value, flags, width ?? '', precision, type ?? '');
    },
  );
  const takesAll = values instanceof Map || Array.isArray(values) || values instanceof Undefined;
  if (!takesAll && used < positional.length) {
    throw new TemplateError('not all arguments converted during string formatting');
  }
  return text;
}

function formatOne(value: Value, flags: string, width: string, precision: string | undefined, type: string): string {
  const isText = type === 's' || type === 'r' || type === 'a' || type === 'c';
  const align = flags.includes('-') ? '<' : isText ? '>' : flags.includes('0') ? '0=' : '>';
  const rest = `${width}${precision === undefined ? '' : `.${precision}`}`;
  if (isText)
    return formatValue(type === 'r' || type === 'a' ? repr(value) : str(value), parseFormatSpec(`${align}${rest}s`));
  let number = numberOf(value);
  if (number === null) throw new TemplateError(`%${type} format: a real number is required, not ${typeName(value)}`);
  const isWhole = 'diu'.includes(type);
  if (isWhole) number = Math.trunc(number);
  const sign = flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  const alternate = flags.includes('#') ? '#' : '';
  const digits = isWhole ? `${width}d` : `${rest}${type}`;
  const isFloat = 'eEfFgG'.includes(type);
  return formatValue(isFloat ? new Float(number) : number, parseFormatSpec(align + sign + alternate + digits));
}
