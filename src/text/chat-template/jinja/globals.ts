/** The functions that a template finds: jinja2's, and those that transformers adds. */
import { bindArguments, wantInteger, wantText } from './arguments.ts';
import { TemplateError } from './errors.ts';
import { str } from './print.ts';
import { strftime } from '../strftime.ts';
import {
  Callable,
  iterate,
  keyOf,
  Namespace,
  valueOr,
  View,
  type Arguments,
  type Dict,
  type HasAttributes,
  type Keywords,
  type Value,
} from './values.ts';

/** The sandbox of jinja2 has the same limit. */
const maxRange = 100_000;

function range(args: Arguments): View {
  const bounds = args.map((bound) => wantInteger('range', bound));
  const [start, stop] = bounds.length === 1 ? [0, bounds[0]] : bounds;
  const step = bounds.length > 2 ? bounds[2] : 1;
  if (bounds.length < 1 || bounds.length > 3 || step === 0) throw new TemplateError('range() wants start, stop, step');
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > maxRange) throw new TemplateError(`range() of ${length} numbers; the limit is ${maxRange}`);
  const items = Array.from({ length }, (_, i) => start + i * step);
  return new View('range', items, step === 1 ? [start, stop] : [start, stop, step]);
}

function dict(args: Arguments, keywords: Keywords): Dict {
  const result: Dict = new Map();
  const [first] = bindArguments('dict', ['mapping'], args, new Map());
  if (first instanceof Map) for (const [key, value] of first) result.set(key, value);
  else if (first !== undefined) {
    for (const pair of iterate(first)) {
      const [key, value, ...more] = iterate(pair);
      if (value === undefined || more.length > 0) throw new TemplateError('dict() wants pairs of key and value');
      result.set(keyOf(key), value);
    }
  }
  for (const [key, value] of keywords) result.set(key, value);
  return result;
}

class Cycler implements HasAttributes {
  readonly typeName = 'Cycler';
  readonly #items: Arguments;
  #at = 0;
  constructor(items: Arguments) {
    if (items.length === 0) throw new TemplateError('cycler() wants at least one item');
    this.#items = items;
  }
  attribute(name: string): Value | undefined {
    const current = this.#items[this.#at];
    if (name === 'current') return current;
    if (name === 'reset') return new Callable(name, () => ((this.#at = 0), null));
    if (name !== 'next') return undefined;
    return new Callable(name, () => {
      const next = this.#items[this.#at];
      this.#at = (this.#at + 1) % this.#items.length;
      return next;
    });
  }
}

function joiner(args: Arguments, keywords: Keywords): Callable {
  const [separator] = bindArguments('joiner', ['sep'], args, keywords);
  let isUsed = false;
  return new Callable('joiner', () => {
    const text = isUsed ? str(valueOr(separator, ', ')) : '';
    isUsed = true;
    return text;
  });
}

export const globals: Readonly<Record<string, Callable>> = {
  range: new Callable('range', range),
  dict: new Callable('dict', dict),
  namespace: new Callable('namespace', (args, keywords) => new Namespace(dict(args, keywords) as Map<string, Value>)),
  cycler: new Callable('cycler', (args) => new Cycler(args)),
  joiner: new Callable('joiner', joiner),
  raise_exception: new Callable('raise_exception', (args, keywords) => {
    const [message] = bindArguments('raise_exception', ['message'], args, keywords);
    throw new TemplateError(str(valueOr(message, '')), { raisedByTemplate: true });
  }),
  strftime_now: new Callable('strftime_now', (args, keywords) => {
    const [format] = bindArguments('strftime_now', ['format'], args, keywords);
    return strftime(new Date(), wantText('strftime_now', format));
  }),
};
