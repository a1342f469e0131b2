/**
 * The EBNF that a request brings itself, as xgrammar reads it: but for classes with characters beyond ASCII, of which xgrammar
 * (0.1.27) makes bytes (see utf8.ts). They are written as what they are in UTF-8; all else stays as it came.
 */
import { EngineError } from '../../errors.ts';
import { classRanges, type ClassChar } from './class-ranges.ts';
import { complement, exactClass, lastCodePoint, normalize } from './ebnf.ts';

/** What opens and is never closed takes the rest with it: the same search from each bracket behind it would take its square. */
const token = /#.*|"(?:[^"\\\n]|\\[^])*"|\[((?:[^\]\\]|\\[^])*)\]|["[][^]*/gu;
/** xgrammar's escapes: `\x` has any number of digits. */
const member = /\\x([0-9a-fA-F]+)|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\([^])|([^])/gu;
const controls: Readonly<Record<string, number>> = {
  ...{ a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, e: 27, '0': 0 },
};

/** @throws EngineError invalid_value for a class beyond ASCII that cannot be read */
export function ownEbnf(source: string): string {
  return source.replace(token, (all, members: string | undefined) =>
    members === undefined ? all : exact(members, all),
  );
}

function exact(members: string, written: string): string {
  const fail = (what: string): never => {
    throw new EngineError('invalid_value', `the class ${written.slice(0, 100)} has ${what}`);
  };
  const isNegated = members.startsWith('^');
  const list = Array.from((isNegated ? members.slice(1) : members).matchAll(member), charOf);
  if (!list.some(({ code }) => code > lastAscii)) return written;
  if (list.some(({ code }) => code === unknown)) return fail('an escape that is not known');
  if (list.some(({ code }) => code > lastCodePoint)) return fail('a character beyond U+10FFFF');
  const ranges = classRanges(list) ?? fail('a range out of order');
  const all = isNegated ? complement(ranges) : normalize(ranges);
  return all.length === 0 ? fail('no character') : exactClass(all);
}

const lastAscii = 0x7f;
const unknown = -1;

function charOf([, byte, short, long, letter, plain = '']: readonly (string | undefined)[]): ClassChar {
  const hex = byte ?? short ?? long;
  if (hex !== undefined) return { code: parseInt(hex, 16), isEscaped: true };
  if (letter === undefined) return { code: plain.codePointAt(0) ?? unknown, isEscaped: false };
  const isKnown = !/[A-Za-z0-9]/.test(letter);
  return { code: controls[letter] ?? (isKnown ? (letter.codePointAt(0) ?? unknown) : unknown), isEscaped: true };
}
