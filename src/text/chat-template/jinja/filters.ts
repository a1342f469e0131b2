/** jinja2's filters by name, with transformers' `tojson`. */
import { bindArguments, wantInteger, wantText } from './arguments.ts';
import { TemplateError } from './errors.ts';
import { capitalize } from './letter-case.ts';
import { getAttribute } from './members.ts';
import { integerFrom, floatFrom, roundNumber } from './numbers.ts';
import type { Filter, Filters } from './environment.ts';
import { formatPercent } from './percent-format.ts';
import { escapeHtml, str, toJson } from './print.ts';
import { sequenceFilters } from './sequence-filters.ts';
import { splitLines } from './split-text.ts';
import { replaceText, stringMethods } from './string-methods.ts';
import {
  Float,
  integerOf,
  isSequence,
  Markup,
  codePointCount,
  characters,
  needLength,
  numberOf,
  sequenceItems,
  truthy,
  Tuple,
  Undefined,
  valueOr,
  type Value,
} from './values.ts';
import { strip } from './white-space.ts';

const none = new Map<string, Value>();

const textFilters: Filters = {
  string: (value) => (value instanceof Markup ? value : str(value)),
  safe: (value) => new Markup(str(value)),
  upper: (value) => str(value).toUpperCase(),
  lower: (value) => str(value).toLowerCase(),
  capitalize: (value) => capitalize(str(value)),
  // jinja2's own words, other than those of Python's str.title.
  title: (value) =>
    str(value)
      .split(/([-\s({[<]+)/)
      .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase())
      .join(''),
  trim: (value, args, keywords) => {
    const [chars] = bindArguments('trim', ['chars'], args, keywords);
    return strip(str(value), chars === undefined || chars === null ? null : wantText('trim', chars));
  },
  replace: (value, args, keywords) => {
    const [from, to, count] = bindArguments('replace', ['old', 'new', 'count'], args, keywords);
    if (from === undefined || to === undefined) throw new TemplateError('replace() wants what to replace and by what');
    return replaceText(str(value), str(from), str(to), count === null ? -1 : wantInteger('replace', count, -1));
  },
  center: (value, args, keywords) => {
    const [width] = bindArguments('center', ['width'], args, keywords);
    return stringMethods['center'](str(value), [valueOr(width, 80)], none);
  },
  indent: (value, args, keywords) => {
    const [width, first, blank] = bindArguments('indent', ['width', 'first', 'blank'], args, keywords);
    const indention = typeof width === 'string' ? width : ' '.repeat(wantInteger('indent', width, 4));
    const lines = splitLines(`${wantText('indent', value)}\n`, false);
    const indentsBlank = blank !== undefined && truthy(blank);
    const indented = lines.map((line, i) => (i > 0 && (line || indentsBlank) ? indention + line : line)).join('\n');
    return first !== undefined && truthy(first) ? indention + indented : indented;
  },
  truncate: (value, args, keywords) => {
    const names = ['length', 'killwords', 'end', 'leeway'];
    const [length, killWords, end, leeway] = bindArguments('truncate', names, args, keywords);
    const [tail, most] = [wantText('truncate', valueOr(end, '...')), wantInteger('truncate', length, 255)];
    const isShort = needLength(value) <= most + wantInteger('truncate', valueOr(leeway, 5));
    if (isShort) return value;
    const kept = characters(wantText('truncate', value))
      .slice(0, most - codePointCount(tail))
      .join('');
    if (killWords !== undefined && truthy(killWords)) return kept + tail;
    const space = kept.lastIndexOf(' ');
    return (space < 0 ? kept : kept.slice(0, space)) + tail;
  },
  wordcount: (value) => (str(value).match(/[\p{L}\p{N}_]+/gu) ?? []).length,
  format: (value, args, keywords) => formatPercent(str(value), keywords.size > 0 ? new Map(keywords) : new Tuple(args)),
  escape: (value) => new Markup(escapeHtml(value)),
};

const valueFilters: Filters = {
  default: (value, args, keywords) => {
    const [otherwise, boolean] = bindArguments('default', ['default_value', 'boolean'], args, keywords);
    const isMissing = value instanceof Undefined || (boolean !== undefined && truthy(boolean) && !truthy(value));
    return isMissing ? valueOr(otherwise, '') : value;
  },
  attr: (value, [name]) => getAttribute(value instanceof Map ? new Map() : value, wantText('attr', name)),
  abs: (value) => {
    const number = numberOf(value);
    if (number === null) throw new TemplateError('abs() wants a number');
    return value instanceof Float ? new Float(Math.abs(number)) : Math.abs(number);
  },
  int: (value, args, keywords) => {
    const [otherwise, base] = bindArguments('int', ['default', 'base'], args, keywords);
    if (value instanceof Undefined) throw new TemplateError(value.message);
    return integerFrom(value, wantInteger('int', base, 10)) ?? valueOr(otherwise, 0);
  },
  float: (value, args, keywords) => {
    const [otherwise] = bindArguments('float', ['default'], args, keywords);
    if (value instanceof Undefined) throw new TemplateError(value.message);
    const number = floatFrom(value);
    return number === null ? valueOr(otherwise, new Float(0)) : new Float(number);
  },
  round: (value, args, keywords) => {
    const [precision, method] = bindArguments('round', ['precision', 'method'], args, keywords);
    const number = numberOf(value);
    if (number === null) throw new TemplateError('round() wants a number');
    const way = wantText('round', valueOr(method, 'common'));
    const rounded = roundNumber(number, wantInteger('round', precision, 0), way);
    return value instanceof Float || way !== 'common' ? new Float(rounded) : rounded;
  },
  tojson: (value, args, keywords) => {
    const names = ['ensure_ascii', 'indent', 'separators', 'sort_keys'];
    const [ensureAscii, indent, separators, sortKeys] = bindArguments('tojson', names, args, keywords);
    const spaces =
      typeof indent === 'string' ? indent : indent === undefined || indent === null ? null : integerOf(indent);
    const given = separators !== undefined && isSequence(separators) ? sequenceItems(separators).map(str) : null;
    return toJson(value, {
      ensureAscii: ensureAscii !== undefined && truthy(ensureAscii),
      indent: typeof spaces === 'number' ? ' '.repeat(Math.max(0, spaces)) : spaces,
      separators: given ? [given[0], given[1]] : [spaces === null ? ', ' : ',', ': '],
      sortKeys: sortKeys !== undefined && truthy(sortKeys),
    });
  },
};

const all: Filters = { ...textFilters, ...valueFilters, ...sequenceFilters };
const aliases: Record<string, string> = { e: 'escape', d: 'default', count: 'length' };

export function filterOf(name: string): Filter {
  const known = aliases[name] ?? name;
  if (Object.hasOwn(all, known)) return all[known];
  throw new TemplateError(`the filter '${name}' is not known; known are ${Object.keys(all).sort().join(', ')}`);
}
