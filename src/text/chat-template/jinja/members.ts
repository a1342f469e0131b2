/** Attributes, items and slices, looked up as jinja2's sandbox does. */
import { formatBraces } from './brace-format.ts';
import { dictMethods, listMethods, tupleMethods } from './container-methods.ts';
import { TemplateError } from './errors.ts';
import { repr } from './print.ts';
import { stringMethods } from './string-methods.ts';
import {
  Callable,
  characters,
  Float,
  hasAttributes,
  integerOf,
  isSequence,
  keyOf,
  plain,
  sequenceItems,
  Tuple,
  typeName,
  Undefined,
  valueOr,
  View,
  type Methods,
  type Value,
} from './values.ts';

const textMethods: Methods<string> = {
  ...stringMethods,
  format: (text, args, keywords) => formatBraces(text, args, keywords, followPath),
};

/** The `.name` and `[key]` in a field of `str.format`. */
function followPath(root: Value, path: string): Value {
  let value = root;
  for (const [, attribute, item] of path.matchAll(/\.([^.[]+)|\[([^\]]+)\]/g)) {
    value = attribute ? getAttribute(value, attribute) : getItem(value, /^\d+$/.test(item) ? Number(item) : item);
  }
  return value;
}

/** `object.name`: methods come before a dict's keys. */
export function getAttribute(given: Value, name: string): Value {
  const object = plain(given);
  const own = ownAttribute(object, name);
  if (own !== undefined) return own;
  return valueOr(dictItem(object, name), missing(object, name));
}

/** `object[key]`: a dict's keys come before methods. */
export function getItem(given: Value, key: Value): Value {
  const object = plain(given);
  if (object instanceof Undefined) throw new TemplateError(object.message);
  const item = object instanceof Map ? dictItem(object, key) : itemAt(object, key);
  if (item !== undefined) return item;
  if (typeof key === 'string') return valueOr(ownAttribute(object, key), missing(object, key));
  return new Undefined(`${described(object)} has no element ${repr(key)}`);
}

function dictItem(object: Value, key: Value): Value | undefined {
  return object instanceof Map ? object.get(key instanceof Float ? keyOf(key) : key) : undefined;
}

function itemAt(object: Value, key: Value): Value | undefined {
  const index = integerOf(key);
  if (index === null) return undefined;
  if (typeof object === 'string') return characters(object).at(index);
  return isSequence(object) ? sequenceItems(object).at(index) : undefined;
}

/** Names that change a value or lead into Python itself; the sandbox that transformers uses refuses them, too. */
const unsafe = /^_|^(append|extend|insert|remove|clear|pop|popitem|update|setdefault|sort|reverse)$/;

function ownAttribute(object: Value, name: string): Value | undefined {
  if (object instanceof Undefined) throw new TemplateError(object.message);
  if (hasAttributes(object)) return name.startsWith('_') ? refused(object, name) : object.attribute(name);
  if (typeof object === 'string') return bound(textMethods, object, name);
  if (Array.isArray(object)) return bound(listMethods, object, name);
  if (object instanceof Map) return bound(dictMethods, object, name);
  if (object instanceof Tuple) return bound(tupleMethods, object, name);
  return undefined;
}

function bound<T extends Value>(methods: Methods<T>, self: T, name: string): Value | undefined {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (method) return new Callable(name, (args, keywords) => method(self, args, keywords));
  return unsafe.test(name) && !(typeof self === 'string' && !name.startsWith('_')) ? refused(self, name) : undefined;
}

function refused(object: Value, name: string): Value | undefined {
  if (object instanceof Map && object.has(name) && name.startsWith('_')) return undefined;
  return new Undefined(`access to attribute '${name}' of '${typeName(object)}' object is unsafe.`);
}

function missing(object: Value, name: string): Undefined {
  return new Undefined(`${described(object)} has no attribute ${repr(name)}`);
}

function described(object: Value): string {
  return object === null ? "'None'" : `'${typeName(object)} object'`;
}

/** `object[start:stop:step]`; undefined stands for a bound that is not given. */
export function getSlice(given: Value, start?: Value, stop?: Value, step?: Value): Value {
  const object = plain(given);
  if (object instanceof Undefined) throw new TemplateError(object.message);
  const [from, to, by] = [start, stop, step].map(sliceBound);
  if (typeof object === 'string') return slice(characters(object), from, to, by).join('');
  if (Array.isArray(object)) return slice(object, from, to, by);
  if (object instanceof Tuple) return new Tuple(slice(object.items, from, to, by));
  if (object instanceof View && object.kind === 'range') return rangeSlice(object, from, to, by);
  throw new TemplateError(`'${typeName(object)}' object has no slices`);
}

function rangeSlice(range: View, start: number | null, stop: number | null, step: number | null): View {
  const items = slice(range.items, start, stop, step);
  const by = (range.bounds[2] ?? 1) * (step ?? 1);
  const first = (items[0] ?? 0) as number;
  return new View('range', items, [first, first + items.length * by, ...(by === 1 ? [] : [by])]);
}

function sliceBound(value: Value | undefined): number | null {
  if (value === undefined || value === null) return null;
  const bound = integerOf(value);
  if (bound === null) throw new TemplateError('slice indices must be integers or None');
  return bound;
}

function slice<T>(items: readonly T[], start: number | null, stop: number | null, step: number | null): T[] {
  const by = step ?? 1;
  if (by === 0) throw new TemplateError('slice step cannot be zero');
  const [lowest, highest] = by > 0 ? [0, items.length] : [-1, items.length - 1];
  const clamp = (bound: number | null, otherwise: number) =>
    bound === null ? otherwise : Math.min(highest, Math.max(lowest, bound < 0 ? bound + items.length : bound));
  const from = clamp(start, by > 0 ? lowest : highest);
  const to = clamp(stop, by > 0 ? highest : lowest);
  const result: T[] = [];
  for (let i = from; by > 0 ? i < to : i > to; i += by) result.push(items[i]);
  return result;
}
