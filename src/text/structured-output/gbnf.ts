/**
 * llama.cpp's grammars (GBNF) → the EBNF that xgrammar reads. Classes are written as what they are in UTF-8 (see ebnf.ts), names
 * without dashes, strings with our own escapes. Tokens of a vocabulary (`<think>`, `<[1000]>`) are refused.
 */
import { EngineError } from '../../errors.ts';
import { classRanges } from './class-ranges.ts';
import { complement, exactClass, literal, normalize } from './ebnf.ts';

const token =
  /(?<space>\s+|#.*)|(?<name>[A-Za-z0-9][\w-]*|_[\w-]*)|(?<defines>::=)|"(?<text>(?:[^"\\\n]|\\[^])*)"|\[(?<members>(?:[^\]\\]|\\[^])*)\]|(?<any>\.)|(?<mark>[()|*+?]|\{\s*\d*\s*,?\s*\d*\s*\})/uy;
const escaped = /\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\([^])|([^])/gu;
const controls: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

interface Part {
  readonly kind: 'name' | 'defines' | 'other';
  readonly text: string;
}

/** @throws EngineError invalid_value with the place of what is no GBNF */
export function gbnfToEbnf(source: string): string {
  const parts = partsOf(source);
  const rules: string[] = [];
  parts.forEach(({ kind, text }, i) => {
    const begins = kind === 'name' && parts[i + 1]?.kind === 'defines';
    if (begins) rules.push('');
    if (rules.length === 0) fail('must begin with a rule (name ::= …)');
    rules.push(`${rules.pop() ?? ''}${text} `);
  });
  return `${rules.join('\n')}\n`;
}

function partsOf(source: string): Part[] {
  const parts: Part[] = [];
  const names = new Names();
  token.lastIndex = 0;
  for (let at = 0; at < source.length; at = token.lastIndex) {
    token.lastIndex = at;
    const groups = token.exec(source)?.groups;
    if (groups === undefined) {
      return fail(source[at] === '<' ? `names tokens (at ${at}), which is not supported` : `is no GBNF at ${at}`);
    }
    const { space, name, defines, text, members, any, mark } = groups;
    if (space !== undefined) continue;
    if (name !== undefined) parts.push({ kind: 'name', text: names.of(name) });
    else if (defines !== undefined) parts.push({ kind: 'defines', text: defines });
    else if (text !== undefined)
      parts.push({
        kind: 'other',
        text: literal(
          charsOf(text)
            .map(({ c }) => c)
            .join(''),
        ),
      });
    else if (members !== undefined) parts.push({ kind: 'other', text: classOf(members) });
    else if (any !== undefined) parts.push({ kind: 'other', text: exactClass(complement([])) });
    else if (mark !== undefined) parts.push({ kind: 'other', text: mark.replaceAll(/\s/g, '') });
  }
  return parts;
}

/** Different names stay different without their dashes. */
class Names {
  readonly #given = new Map<string, string>();
  /** How many names have asked for each. */
  readonly #taken = new Map<string, number>();

  of(name: string): string {
    const known = this.#given.get(name);
    if (known !== undefined) return known;
    const plain = name.replaceAll('-', '_').replace(/^(?=\d)/, '_');
    let free = plain;
    while (this.#taken.has(free)) {
      const count = this.#taken.get(plain)! + 1;
      this.#taken.set(plain, count);
      free = `${plain}_${count}`;
    }
    this.#taken.set(free, 1);
    this.#given.set(name, free);
    return free;
  }
}

function charsOf(text: string): { readonly c: string; readonly isEscaped: boolean }[] {
  return Array.from(text.matchAll(escaped), ([, byte, short, long, letter, plain]) => {
    const code = byte ?? short ?? long;
    if (code !== undefined) return { c: String.fromCodePoint(checked(parseInt(code, 16))), isEscaped: true };
    return letter === undefined
      ? { c: plain ?? '', isEscaped: false }
      : { c: controls[letter] ?? letter, isEscaped: true };
  });
}

const checked = (code: number): number => (code <= 0x10ffff ? code : fail(`has a character beyond U+10FFFF`));

function classOf(members: string): string {
  const isNegated = members.startsWith('^');
  const list = charsOf(isNegated ? members.slice(1) : members);
  const ranges = classRanges(list.map(({ c, isEscaped }) => ({ code: c.codePointAt(0) ?? 0, isEscaped })));
  if (ranges === null) return fail('has a class with a range out of order');
  const all = isNegated ? complement(ranges) : normalize(ranges);
  return all.length === 0 ? fail('has an empty class') : exactClass(all);
}

function fail(what: string): never {
  throw new EngineError('invalid_value', `the grammar ${what}`);
}
