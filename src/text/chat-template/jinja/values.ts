/**
 * Python's values as templates see them. Text, booleans, None (null) and lists are JavaScript's own; integers are
 * numbers, floats are wrapped because 1.0 prints as 1.0; dicts are Maps.
 */
import { TemplateError } from './errors.ts';

export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** What a name or attribute without value gives: prints as nothing, is false, and fails with `message` when used. */
export class Undefined {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

export class Tuple {
  readonly items: readonly Value[];
  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

/** What `safe` and `escape` give: text that escapes what is added to it. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Markup as the text that it is for all but `+`. */
export function plain(value: Value): Value {
  return value instanceof Markup ? value.text : value;
}

/** range(…) and what a dict's keys(), values() and items() give; `text` is how Python prints it. */
export class View {
  readonly kind: 'range' | 'dict_keys' | 'dict_values' | 'dict_items';
  readonly items: readonly Value[];
  /** Of a range: its arguments. */
  readonly bounds: readonly number[];
  constructor(kind: View['kind'], items: readonly Value[], bounds: readonly number[] = []) {
    this.kind = kind;
    this.items = items;
    this.bounds = bounds;
  }
}

/** Values whose attributes are their own matter: a namespace, `loop`, the result of cycler(). */
export interface HasAttributes {
  readonly typeName: string;
  attribute(name: string): Value | undefined;
}

export type Arguments = readonly Value[];
export type Keywords = ReadonlyMap<string, Value>;

export class Callable {
  readonly name: string;
  readonly call: (args: Arguments, keywords: Keywords) => Value;
  constructor(name: string, call: Callable['call']) {
    this.name = name;
    this.call = call;
  }
}

export class Namespace implements HasAttributes {
  readonly typeName = 'Namespace';
  readonly values: Map<string, Value>;
  constructor(values: Map<string, Value>) {
    this.values = values;
  }
  attribute(name: string): Value | undefined {
    return this.values.get(name);
  }
}

export type Dict = Map<Value, Value>;
/** Can be gone through once, as in Python. */
export type Once = Generator<Value, void, undefined>;
export type Value =
  | string
  | number
  | bigint
  | boolean
  | null
  | Float
  | Undefined
  | Value[]
  | Tuple
  | Markup
  | View
  | Dict
  | Once
  | Callable
  | HasAttributes;

/** Methods of a type by name; `self` is the value that they are called on. */
export type Methods<T> = Readonly<Record<string, (self: T, args: Arguments, keywords: Keywords) => Value>>;

/** `??` would take None for nothing, too. */
export function valueOr(value: Value | undefined, otherwise: Value): Value {
  return value === undefined ? otherwise : value;
}

export function isOnce(value: Value): value is Once {
  return typeof value === 'object' && value !== null && 'next' in value;
}

export function hasAttributes(value: Value): value is HasAttributes {
  return typeof value === 'object' && value !== null && 'attribute' in value;
}

/** Numbers and, as in Python, booleans; null for all else. */
export function numberOf(value: Value): number | null {
  if (typeof value === 'number') return value;
  if (value instanceof Float) return value.value;
  if (typeof value === 'boolean' || typeof value === 'bigint') return Number(value);
  return null;
}

/** A whole number, as indexes and counts need it; null for all else. */
export function integerOf(value: Value | undefined): number | null {
  if (typeof value === 'number') return value;
  return typeof value === 'boolean' || typeof value === 'bigint' ? Number(value) : null;
}

export function truthy(value: Value): boolean {
  if (typeof value !== 'object') return Boolean(value);
  if (value === null || value instanceof Undefined) return false;
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Markup) return value.text !== '';
  const length = lengthOf(value);
  return length === null || length > 0;
}

/** `len(…)`, null for values that have none. Text counts code points. */
function lengthOf(given: Value): number | null {
  const value = plain(given);
  if (typeof value === 'string') return codePointCount(value);
  if (Array.isArray(value)) return value.length;
  if (value instanceof Tuple || value instanceof View) return value.items.length;
  if (value instanceof Map) return value.size;
  return value instanceof Undefined ? 0 : null;
}

/** `len(…)`. @throws TemplateError for values that have none */
export function needLength(value: Value): number {
  const length = lengthOf(value);
  if (length === null) throw new TemplateError(`object of type '${typeName(value)}' has no len()`);
  return length;
}

const surrogate = /[\ud800-\udfff]/;

export function codePointCount(text: string): number {
  return surrogate.test(text) ? Array.from(text).length : text.length;
}

/** The characters as Python counts them. */
export function characters(text: string): string[] {
  return surrogate.test(text) ? Array.from(text) : text.split('');
}

/** What a loop goes through. @throws TemplateError for values that are not iterable */
export function iterate(given: Value): Iterable<Value> {
  const value = plain(given);
  if (typeof value === 'string') return characters(value);
  if (Array.isArray(value)) return value;
  if (value instanceof Tuple || value instanceof View) return value.items;
  if (value instanceof Map) return value.keys();
  if (value instanceof Undefined) return [];
  if (typeof value === 'object' && value !== null && isOnce(value)) return value;
  throw new TemplateError(`'${typeName(value)}' object is not iterable`);
}

export function isSequence(value: Value): value is Value[] | Tuple | View {
  return Array.isArray(value) || value instanceof Tuple || (value instanceof View && value.kind === 'range');
}

/** The items of a list, tuple or range. */
export function sequenceItems(value: Value[] | Tuple | View): readonly Value[] {
  return Array.isArray(value) ? value : value.items;
}

export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (a instanceof Markup || b instanceof Markup) return plain(a) === plain(b);
  if (typeof a === 'string' || typeof b === 'string' || a === null || b === null) return false;
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== null || right !== null) return left === right;
  if (a instanceof Undefined) return b instanceof Undefined;
  if (Array.isArray(a)) return Array.isArray(b) && sameItems(a, b);
  if (a instanceof Tuple) return b instanceof Tuple && sameItems(a.items, b.items);
  if (a instanceof View) return b instanceof View && a.kind === b.kind && sameItems(a.items, b.items);
  if (!(a instanceof Map && b instanceof Map) || a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other === undefined || !equal(value, other)) return false;
  }
  return true;
}

function sameItems(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((item, i) => equal(item, b[i]));
}

export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'string') return 'str';
  if (value instanceof Markup) return 'Markup';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number' || typeof value === 'bigint') return 'int';
  if (value instanceof Float) return 'float';
  if (value instanceof Undefined) return 'Undefined';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Tuple) return 'tuple';
  if (value instanceof View) return value.kind;
  if (value instanceof Map) return 'dict';
  if (hasAttributes(value)) return value.typeName;
  return value instanceof Callable ? 'function' : 'generator';
}

/** A key of a dict: text, number, boolean or None. @throws TemplateError for others */
export function keyOf(value: Value): Value {
  if (value instanceof Float) return Number.isInteger(value.value) ? value.value : value;
  if (Array.isArray(value) || value instanceof Map) throw new TemplateError(`unhashable type: '${typeName(value)}'`);
  return value;
}

/** JSON-like data (objects, arrays, text …) as a template's value. Fields that are undefined are left out. */
export function toValue(data: unknown): Value {
  if (typeof data === 'number') return Number.isInteger(data) ? data : new Float(data);
  if (typeof data !== 'object' || data === null) return (data ?? null) as Value;
  if (Array.isArray(data)) return data.map(toValue);
  if (data instanceof Float || data instanceof Callable) return data;
  const dict: Dict = new Map();
  for (const [key, value] of Object.entries(data)) if (value !== undefined) dict.set(key, toValue(value));
  return dict;
}
