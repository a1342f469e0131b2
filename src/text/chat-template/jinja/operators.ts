/** Python's operators. */
import { TemplateError } from './errors.ts';
import { formatPercent } from './percent-format.ts';
import { escapeHtml, str } from './print.ts';
import {
  equal,
  Float,
  integerOf,
  isSequence,
  iterate,
  keyOf,
  Markup,
  numberOf,
  plain,
  sequenceItems,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

type BinaryOperator = (a: Value, b: Value) => Value;

export const binaryOperators: Readonly<Record<string, BinaryOperator>> = {
  '+': (a, b) => {
    if (typeof a === 'string' && typeof b === 'string') return a + b;
    if (isText(a) && isText(b)) return new Markup(escapeHtml(a) + escapeHtml(b));
    if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
    if (a instanceof Tuple && b instanceof Tuple) return new Tuple([...a.items, ...b.items]);
    return arithmetic('+', a, b, (x, y) => x + y);
  },
  '-': (a, b) => arithmetic('-', a, b, (x, y) => x - y),
  '*': (a, b) => repeated(a, b) ?? repeated(b, a) ?? arithmetic('*', a, b, (x, y) => x * y),
  '/': (a, b) => new Float(numberOf(arithmetic('/', a, b, (x, y) => x / notZero(y))) as number),
  '//': (a, b) => arithmetic('//', a, b, (x, y) => Math.floor(x / notZero(y))),
  '%': (a, b) => (isText(a) ? formatPercent(str(a), b) : arithmetic('%', a, b, modulo)),
  '**': (a, b) => {
    const power = arithmetic('**', a, b, (x, y) => (y < 0 ? notZero(x) : x) ** y);
    const isFraction = (numberOf(b) ?? 0) < 0;
    return typeof power === 'number' && isFraction ? new Float(power) : power;
  },
  '~': (a, b) => str(a) + str(b),
  '==': (a, b) => equal(a, b),
  '!=': (a, b) => !equal(a, b),
  '<': (a, b) => compare('<', a, b) < 0,
  '>': (a, b) => compare('>', a, b) > 0,
  '<=': (a, b) => compare('<=', a, b) <= 0,
  '>=': (a, b) => compare('>=', a, b) >= 0,
  in: (a, b) => contains(b, a),
  'not in': (a, b) => !contains(b, a),
};

export const unaryOperators: Readonly<Record<string, (value: Value) => Value>> = {
  '-': (value) => arithmetic('unary -', 0, value, (_zero, x) => -x),
  '+': (value) => arithmetic('unary +', 0, value, (zero, x) => zero + x),
};

function isText(value: Value): value is string | Markup {
  return typeof value === 'string' || value instanceof Markup;
}

/** Whole numbers give whole numbers, a float on either side gives a float. */
function arithmetic(operator: string, a: Value, b: Value, compute: (x: number, y: number) => number): Value {
  if (a instanceof Undefined) throw new TemplateError(a.message);
  if (b instanceof Undefined) throw new TemplateError(b.message);
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x === null || y === null) {
    throw new TemplateError(`unsupported operand types for ${operator}: '${typeName(a)}' and '${typeName(b)}'`);
  }
  const result = compute(x, y);
  if (a instanceof Float || b instanceof Float) return new Float(result);
  return result === 0 ? 0 : result;
}

/** The remainder with the sign of the divisor. */
function modulo(x: number, y: number): number {
  const rest = x % notZero(y);
  if (rest === 0) return y < 0 ? -0 : 0;
  return rest < 0 === y < 0 ? rest : rest + y;
}

function notZero(divisor: number): number {
  if (divisor === 0) throw new TemplateError('division by zero');
  return divisor;
}

/** 16 million characters or items: no chat template means more. */
const maxRepeated = 1 << 24;

function repeated(value: Value, times: Value): Value | null {
  const count = integerOf(times);
  if (count === null || !(typeof value === 'string' || Array.isArray(value) || value instanceof Tuple)) return null;
  const length = value instanceof Tuple ? value.items.length : value.length;
  if (length * count > maxRepeated) throw new TemplateError(`a repetition of ${length * count} characters or items`);
  if (typeof value === 'string') return value.repeat(Math.max(0, count));
  const items = Array.from({ length: Math.max(0, count) }, () => sequenceItems(value)).flat();
  return Array.isArray(value) ? items : new Tuple(items);
}

/** Negative, zero or positive, as sorting wants it. @throws TemplateError for values that have no order */
export function compare(operator: string, first: Value, second: Value): number {
  const [a, b] = [plain(first), plain(second)];
  if (a instanceof Undefined) throw new TemplateError(a.message);
  if (b instanceof Undefined) throw new TemplateError(b.message);
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== null && y !== null) return x - y;
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if ((Array.isArray(a) && Array.isArray(b)) || (a instanceof Tuple && b instanceof Tuple)) {
    const [left, right] = [sequenceItems(a), sequenceItems(b)];
    const differing = left.findIndex((item, i) => i >= right.length || !equal(item, right[i]));
    if (differing < 0 || differing >= right.length) return left.length - right.length;
    return compare(operator, left[differing], right[differing]);
  }
  throw new TemplateError(`'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
}

/** By code points; JavaScript compares code units, which differs beyond U+D7FF. */
function compareText(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length;) {
    const [x, y] = [a.codePointAt(i) as number, b.codePointAt(i) as number];
    if (x !== y) return x - y;
    i += x > 0xffff ? 2 : 1;
  }
  return a.length - b.length;
}

export function contains(whole: Value, part: Value): boolean {
  const [container, item] = [plain(whole), plain(part)];
  if (typeof container === 'string') {
    if (item instanceof Undefined)
      throw new TemplateError(`'in <string>' requires string as left operand, not Undefined`);
    if (typeof item === 'string') return container.includes(item);
    throw new TemplateError(`'in <string>' requires string as left operand, not ${typeName(item)}`);
  }
  if (container instanceof Map) return container.has(keyOf(item));
  if (isSequence(container)) return sequenceItems(container).some((other) => equal(other, item));
  for (const other of iterate(container)) if (equal(other, item)) return true;
  return false;
}
