/** Python's methods of `str`, but for `format` (members.ts) and those that change type or encode. */
import { bindArguments, wantInteger, wantText } from './arguments.ts';
import { TemplateError } from './errors.ts';
import { isDigits, isUpper, isLower, isTitle, swapCase, titleCase, capitalize } from './letter-case.ts';
import { splitLines, splitText, splitWhite } from './split-text.ts';
import { codePointCount, iterate, Tuple, type Arguments, type Methods, type Value } from './values.ts';
import { strip, stripEnd, stripStart } from './white-space.ts';

export const stringMethods: Methods<string> = {
  upper: (text) => text.toUpperCase(),
  lower: (text) => text.toLowerCase(),
  casefold: (text) => text.replaceAll('ß', 'ss').toLowerCase(),
  capitalize: (text) => capitalize(text),
  title: (text) => titleCase(text),
  swapcase: (text) => swapCase(text),

  strip: (text, [chars]) => strip(text, stripChars('strip', chars)),
  lstrip: (text, [chars]) => stripStart(text, stripChars('lstrip', chars)),
  rstrip: (text, [chars]) => stripEnd(text, stripChars('rstrip', chars)),
  removeprefix: (text, [prefix]) => {
    const start = wantText('removeprefix', prefix);
    return text.startsWith(start) ? text.slice(start.length) : text;
  },
  removesuffix: (text, [suffix]) => {
    const end = wantText('removesuffix', suffix);
    return end !== '' && text.endsWith(end) ? text.slice(0, -end.length) : text;
  },

  split: (text, args, keywords) => {
    const [separator, most] = bindArguments('split', ['sep', 'maxsplit'], args, keywords);
    const count = wantInteger('split', most, -1);
    if (separator === undefined || separator === null) return splitWhite(text, count, false);
    return splitText(text, wantText('split', separator), count, false);
  },
  rsplit: (text, args, keywords) => {
    const [separator, most] = bindArguments('rsplit', ['sep', 'maxsplit'], args, keywords);
    const count = wantInteger('rsplit', most, -1);
    if (separator === undefined || separator === null) return splitWhite(text, count, true);
    return splitText(text, wantText('rsplit', separator), count, true);
  },
  splitlines: (text, args, keywords) => {
    const [keepEnds] = bindArguments('splitlines', ['keepends'], args, keywords);
    return splitLines(text, Boolean(keepEnds));
  },
  partition: (text, [separator]) => {
    const by = wantText('partition', separator);
    const at = text.indexOf(by);
    return new Tuple(at < 0 ? [text, '', ''] : [text.slice(0, at), by, text.slice(at + by.length)]);
  },
  rpartition: (text, [separator]) => {
    const by = wantText('rpartition', separator);
    const at = text.lastIndexOf(by);
    return new Tuple(at < 0 ? ['', '', text] : [text.slice(0, at), by, text.slice(at + by.length)]);
  },
  join: (text, [items]) =>
    Array.from(iterate(items ?? null), (item, i) => {
      if (typeof item === 'string') return item;
      throw new TemplateError(`sequence item ${i}: expected str instance`);
    }).join(text),
  replace: (text, args, keywords) => {
    const [from, to, count] = bindArguments('replace', ['old', 'new', 'count'], args, keywords);
    return replaceText(text, wantText('replace', from), wantText('replace', to), wantInteger('replace', count, -1));
  },

  startswith: (text, args) => startsOrEnds('startswith', text, args, (part, affix) => part.startsWith(affix)),
  endswith: (text, args) => startsOrEnds('endswith', text, args, (part, affix) => part.endsWith(affix)),
  find: (text, args) => position('find', text, args, 'indexOf'),
  rfind: (text, args) => position('rfind', text, args, 'lastIndexOf'),
  index: (text, args) => found(position('index', text, args, 'indexOf')),
  rindex: (text, args) => found(position('rindex', text, args, 'lastIndexOf')),
  count: (text, args) => {
    const sought = wantText('count', args[0]);
    const { part } = window(text, args);
    return sought === '' ? codePointCount(part) + 1 : part.split(sought).length - 1;
  },

  center: (text, [width, fill]) => {
    const missing = wantInteger('center', width) - codePointCount(text);
    if (missing <= 0) return text;
    // As in CPython: of an odd number the left side gets more where the width is odd.
    const left = Math.floor(missing / 2) + (missing & wantInteger('center', width) & 1);
    return fillOf(fill).repeat(left) + text + fillOf(fill).repeat(missing - left);
  },
  ljust: (text, [width, fill]) =>
    text + fillOf(fill).repeat(Math.max(0, wantInteger('ljust', width) - codePointCount(text))),
  rjust: (text, [width, fill]) =>
    fillOf(fill).repeat(Math.max(0, wantInteger('rjust', width) - codePointCount(text))) + text,
  zfill: (text, [width]) => {
    const [, sign, digits] = /^([-+]?)(.*)$/s.exec(text) as unknown as [string, string, string];
    return sign + '0'.repeat(Math.max(0, wantInteger('zfill', width) - codePointCount(text))) + digits;
  },
  expandtabs: (text, args, keywords) => {
    const [size] = bindArguments('expandtabs', ['tabsize'], args, keywords);
    const width = wantInteger('expandtabs', size, 8);
    const expandLine = (line: string) => {
      let out = '';
      for (const char of line)
        out += char !== '\t' ? char : width > 0 ? ' '.repeat(width - (codePointCount(out) % width)) : '';
      return out;
    };
    return text
      .split(/(?<=[\r\n])/)
      .map(expandLine)
      .join('');
  },

  isdigit: (text) => /^[\p{Nd}²³¹⁰⁴-⁹₀-₉①-⑨]+$/u.test(text),
  isdecimal: (text) => isDigits(text),
  isnumeric: (text) => /^\p{N}+$/u.test(text),
  isalpha: (text) => /^\p{L}+$/u.test(text),
  isalnum: (text) => /^[\p{L}\p{N}]+$/u.test(text),
  isspace: (text) => text !== '' && strip(text) === '',
  isascii: (text) => !/[^\0-\x7f]/.test(text),
  isidentifier: (text) => /^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(text),
  isprintable: (text) => !/\p{C}|(?! )\p{Z}/u.test(text),
  islower: (text) => isLower(text),
  isupper: (text) => isUpper(text),
  istitle: (text) => isTitle(text),
};

function stripChars(name: string, chars: Value | undefined): string | null {
  return chars === undefined || chars === null ? null : wantText(name, chars);
}

function fillOf(fill: Value | undefined): string {
  return fill === undefined ? ' ' : wantText('fill', fill);
}

export function replaceText(text: string, from: string, to: string, count: number): string {
  if (count < 0)
    return from === '' ? Array.from(text, (char) => to + char).join('') + to : text.replaceAll(from, () => to);
  const parts = from === '' ? ['', ...Array.from(text), ''] : text.split(from);
  const replaced = Math.min(count, parts.length - 1);
  return (
    parts
      .slice(0, replaced)
      .map((part) => part + to)
      .join('') + parts.slice(replaced).join(from)
  );
}

/** The part that the optional start and end of `find`, `startswith` … mean, and where it begins (in code units). */
function window(text: string, args: Arguments): { part: string; offset: number } {
  if (args.length < 2) return { part: text, offset: 0 };
  const points = Array.from(text);
  const bound = (value: Value | undefined, otherwise: number) => {
    if (value === undefined || value === null) return otherwise;
    const at = wantInteger('bound', value);
    return Math.min(points.length, at < 0 ? Math.max(0, at + points.length) : at);
  };
  const [start, end] = [bound(args[1], 0), bound(args[2], points.length)];
  return { part: points.slice(start, end).join(''), offset: start };
}

function position(name: string, text: string, args: Arguments, method: 'indexOf' | 'lastIndexOf'): number {
  const { part, offset } = window(text, args);
  const at = part[method](wantText(name, args[0]));
  return at < 0 ? -1 : offset + codePointCount(part.slice(0, at));
}

function found(at: number): number {
  if (at < 0) throw new TemplateError('substring not found');
  return at;
}

function startsOrEnds(
  name: string,
  text: string,
  args: Arguments,
  test: (part: string, affix: string) => boolean,
): boolean {
  const { part } = window(text, args);
  const affix = args[0];
  if (affix instanceof Tuple) return affix.items.some((item) => test(part, wantText(name, item)));
  return test(part, wantText(name, affix));
}
