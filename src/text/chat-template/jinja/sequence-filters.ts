/** jinja2's filters over sequences. Those that are generators there are generators here: true, and gone through once. */
import { bindArguments, wantInteger, wantText } from './arguments.ts';
import { dictItems } from './container-methods.ts';
import { TemplateError } from './errors.ts';
import type { Filter, Filters } from './environment.ts';
import { getItem } from './members.ts';
import { binaryOperators, compare } from './operators.ts';
import { str } from './print.ts';
import {
  equal,
  integerOf,
  isOnce,
  iterate,
  keyOf,
  needLength,
  Tuple,
  truthy,
  typeName,
  Undefined,
  valueOr,
  type HasAttributes,
  type Value,
} from './values.ts';

/** `attribute='a.b.0'`, or a number, of an item. */
type Getter = (item: Value) => Value;

function getterOf(attribute: Value | undefined, otherwise?: Value): Getter {
  if (attribute === undefined || attribute === null) return (item) => item;
  const path = integerOf(attribute) === null ? wantText('attribute', attribute).split('.') : [attribute];
  const steps = path.map((step) => (typeof step === 'string' && /^\d+$/.test(step) ? Number(step) : step));
  return (item) => {
    const found = steps.reduce((value, step) => getItem(value, step), item);
    return found instanceof Undefined && otherwise !== undefined ? otherwise : found;
  };
}

function ignoringCase(getter: Getter, caseSensitive: Value | undefined): Getter {
  if (caseSensitive !== undefined && truthy(caseSensitive)) return getter;
  return (item) => {
    const value = getter(item);
    return typeof value === 'string' ? value.toLowerCase() : value;
  };
}

function sortBy(items: Value[], key: Getter, reverse: boolean): Value[] {
  const keyed = items.map((item) => ({ item, key: key(item) }));
  // Python's reverse keeps equal items in their order, too.
  keyed.sort((a, b) => (reverse ? compare('<', b.key, a.key) : compare('<', a.key, b.key)));
  return keyed.map(({ item }) => item);
}

function extreme(name: string, sign: 1 | -1): Filter {
  return (value, args, keywords) => {
    const [caseSensitive, attribute] = bindArguments(name, ['case_sensitive', 'attribute'], args, keywords);
    const items = [...iterate(value)];
    if (items.length === 0) return new Undefined('No aggregated item, sequence was empty.');
    const key = ignoringCase(getterOf(attribute), caseSensitive);
    return items.reduce((best, item) => (sign * compare('<', key(item), key(best)) > 0 ? item : best));
  };
}

function* where(items: () => Iterable<Value>, keeps: (item: Value) => boolean = () => true) {
  for (const item of items()) if (keeps(item)) yield item;
}

/** select, reject, selectattr and rejectattr. */
function selecting(name: string, byAttribute: boolean, wanted: boolean): Filter {
  return (value, args, keywords, { tests }) => {
    const getter = byAttribute ? getterOf(args[0]) : getterOf(undefined);
    const [testName, ...rest] = byAttribute ? args.slice(1) : args;
    if (byAttribute && args.length === 0) throw new TemplateError(`${name}() wants the name of an attribute`);
    // None and other false values have no items here.
    const items = () => (truthy(value) ? iterate(value) : []);
    if (testName === undefined) return where(items, (item) => truthy(getter(item)) === wanted);
    const test = tests(wantText(name, testName));
    return where(items, (item) => test(getter(item), rest, keywords) === wanted);
  };
}

function* chunks(items: Value[], starts: number[], pad: (chunk: Value[], index: number) => Value[]) {
  for (let i = 0; i + 1 < starts.length; i++) yield pad(items.slice(starts[i], starts[i + 1]), i);
}

/** What groupby gives: a tuple whose parts have names. */
class Group extends Tuple implements HasAttributes {
  readonly typeName = 'tuple';
  attribute(name: string): Value | undefined {
    return name === 'grouper' ? this.items[0] : name === 'list' ? this.items[1] : undefined;
  }
}

export const sequenceFilters: Filters = {
  first: (value) => {
    for (const item of iterate(value)) return item;
    return new Undefined('No first item, sequence was empty.');
  },
  last: (value) => {
    if (isOnce(value)) throw new TemplateError("'generator' object is not reversible");
    return valueOr([...iterate(value)].at(-1), new Undefined('No last item, sequence was empty.'));
  },
  length: (value) => needLength(value),
  list: (value) => [...iterate(value)],
  reverse: (value) => {
    if (typeof value === 'string') return Array.from(value).reverse().join('');
    const items = [...iterate(value)].reverse();
    return isOnce(value) ? items : where(() => items);
  },
  join: (value, args, keywords) => {
    const [separator, attribute] = bindArguments('join', ['d', 'attribute'], args, keywords);
    const getter = getterOf(attribute);
    return Array.from(iterate(value), (item) => str(getter(item))).join(separator === undefined ? '' : str(separator));
  },
  sum: (value, args, keywords) => {
    const [attribute, start] = bindArguments('sum', ['attribute', 'start'], args, keywords);
    const getter = getterOf(attribute);
    return Array.from(iterate(value), getter).reduce<Value>(
      (sum, item) => binaryOperators['+'](sum, item),
      valueOr(start, 0),
    );
  },
  min: extreme('min', -1),
  max: extreme('max', 1),
  sort: (value, args, keywords) => {
    const names = ['reverse', 'case_sensitive', 'attribute'];
    const [reverse, caseSensitive, attribute] = bindArguments('sort', names, args, keywords);
    const attributes = typeof attribute === 'string' ? attribute.split(',') : [attribute];
    const getters = attributes.map((name) => ignoringCase(getterOf(name), caseSensitive));
    const key: Getter = (item) => getters.map((getter) => getter(item));
    return sortBy([...iterate(value)], key, reverse !== undefined && truthy(reverse));
  },
  dictsort: (value, args, keywords) => {
    const [caseSensitive, by, reverse] = bindArguments('dictsort', ['case_sensitive', 'by', 'reverse'], args, keywords);
    if (!(value instanceof Map)) throw new TemplateError(`dictsort() wants a dict, not ${typeName(value)}`);
    if (by !== undefined && by !== 'key' && by !== 'value') {
      throw new TemplateError('You can only sort by either "key" or "value"');
    }
    const key = ignoringCase(getterOf(by === 'value' ? 1 : 0), caseSensitive);
    return sortBy(dictItems(value), key, reverse !== undefined && truthy(reverse));
  },
  unique: (value, args, keywords) => {
    const [caseSensitive, attribute] = bindArguments('unique', ['case_sensitive', 'attribute'], args, keywords);
    const key = ignoringCase(getterOf(attribute), caseSensitive);
    const seen: Value[] = [];
    return where(
      () => iterate(value),
      (item) => {
        const mark = keyOf(key(item));
        return !seen.some((other) => equal(other, mark)) && seen.push(mark) > 0;
      },
    );
  },
  groupby: (value, args, keywords) => {
    const names = ['attribute', 'default', 'case_sensitive'];
    const [attribute, otherwise, caseSensitive] = bindArguments('groupby', names, args, keywords);
    const getter = getterOf(attribute, otherwise);
    const key = ignoringCase(getter, caseSensitive);
    const groups: Value[][] = [];
    for (const item of sortBy([...iterate(value)], key, false)) {
      const last = groups.at(-1);
      if (last && equal(key(last[0]), key(item))) last.push(item);
      else groups.push([item]);
    }
    return groups.map((items) => new Group([getter(items[0]), items]));
  },
  batch: (value, args, keywords) => {
    const [size, fill] = bindArguments('batch', ['linecount', 'fill_with'], args, keywords);
    const [items, count] = [[...iterate(value)], wantInteger('batch', size)];
    if (count < 1) throw new TemplateError('batch() wants a positive number');
    const starts = Array.from({ length: Math.ceil(items.length / count) }, (_, i) => i * count);
    const pad = (chunk: Value[]) =>
      fill === undefined || fill === null ? chunk : [...chunk, ...Array<Value>(count - chunk.length).fill(fill)];
    return chunks(items, [...starts, items.length], pad);
  },
  slice: (value, args, keywords) => {
    const [slices, fill] = bindArguments('slice', ['slices', 'fill_with'], args, keywords);
    const [items, count] = [[...iterate(value)], wantInteger('slice', slices)];
    if (count < 1 || count > 100_000) throw new TemplateError('slice() wants a positive number up to 100000');
    const [each, longer] = [Math.floor(items.length / count), items.length % count];
    const starts = Array.from({ length: count + 1 }, (_, i) => i * each + Math.min(i, longer));
    const pad = (chunk: Value[], i: number) =>
      fill === undefined || fill === null || i < longer ? chunk : [...chunk, fill];
    return chunks(items, starts, pad);
  },
  items: (value) =>
    where(() => {
      if (value instanceof Undefined) return [];
      if (value instanceof Map) return dictItems(value);
      throw new TemplateError('Can only get item pairs from a mapping.');
    }),
  map: (value, args, keywords, environment) => {
    if (!truthy(value)) return mapped([], (item) => item);
    if (args.length === 0 && keywords.has('attribute')) {
      const getter = getterOf(keywords.get('attribute'), keywords.get('default'));
      return mapped(iterate(value), getter);
    }
    const [name, ...rest] = args;
    const filter = environment.filters(wantText('map', name));
    return mapped(iterate(value), (item) => filter(item, rest, keywords, environment));
  },
  select: selecting('select', false, true),
  reject: selecting('reject', false, false),
  selectattr: selecting('selectattr', true, true),
  rejectattr: selecting('rejectattr', true, false),
};

function* mapped(items: Iterable<Value>, change: Getter) {
  for (const item of items) yield change(item);
}
