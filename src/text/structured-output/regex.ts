/**
 * Regular expressions (ECMA-262, what JSON Schema's `pattern` means, and Python's spelling where that is another) → automata.
 * What only a backtracking matcher can do is refused: lookaround, back references.
 */
import { EngineError } from '../../errors.ts';
import { charactersOf, inAnyCase } from './character-sets.ts';
import { anyText, chars, either, repeat, sequence, wordRanges, type Assertion, type Regular } from './regular.ts';
import { complement, normalize, type CharRanges } from './ebnf.ts';

/**
 * @param mode `search`: without ^ or $ the expression may match anywhere in the text, as in JSON Schema
 * @throws EngineError invalid_value with the reason and the position
 */
export function parseRegex(pattern: string, mode: 'search' | 'whole'): Regular {
  return new RegexParser(pattern, mode).parse();
}

const digits: CharRanges = [[0x30, 0x39]];
// White space and line ends beyond ASCII count as any other character beyond it: models do not write them.
const space: CharRanges = [
  [0x09, 0x0d],
  [0x20, 0x20],
];
const lineEnds: CharRanges = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
];
const classes: Readonly<Record<string, CharRanges>> = {
  d: digits,
  w: wordRanges,
  s: space,
  D: complement(digits),
  W: complement(wordRanges),
  S: complement(space),
};
const controls: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, f: 0x0c, v: 0x0b, '0': 0 };
/** Behind a backslash, outside of classes. */
const assertions: Readonly<Record<string, Assertion>> = { b: 'boundary', B: 'inside', A: 'start', Z: 'end', z: 'end' };
const mostRepeats = 1000;

class RegexParser {
  readonly #chars: readonly string[];
  readonly #pattern: string;
  readonly #mode: 'search' | 'whole';
  #at = 0;
  #ignoresCase = false;
  #dotIsAny = false;

  constructor(pattern: string, mode: 'search' | 'whole') {
    this.#pattern = pattern;
    this.#chars = Array.from(pattern);
    this.#mode = mode;
  }

  parse(): Regular {
    const flags = /^\(\?([a-z]+)\)/.exec(this.#pattern);
    if (flags !== null) this.#setFlags(flags[1], flags[0].length);
    const body = this.#alternatives(true);
    if (this.#at < this.#chars.length) this.#fail('an unmatched )');
    return body;
  }

  #alternatives(isOutermost: boolean): Regular {
    const branches = [this.#sequence(isOutermost)];
    while (this.#take('|')) branches.push(this.#sequence(isOutermost));
    return either(branches);
  }

  #sequence(isOutermost: boolean): Regular {
    const parts: Regular[] = [];
    const anything = this.#mode === 'search' && isOutermost ? [anyText] : [];
    const fromStart = isOutermost && this.#take('^');
    if (!fromStart) parts.push(...anything);
    let toEnd = false;
    while (!toEnd && this.#at < this.#chars.length && !'|)'.includes(this.#peek())) {
      toEnd = isOutermost && this.#peek() === '$' && [undefined, '|'].includes(this.#chars[this.#at + 1]);
      if (toEnd) this.#at++;
      else parts.push(this.#quantified());
    }
    if (!toEnd) parts.push(...anything);
    return sequence(parts);
  }

  #quantified(): Regular {
    const atom = this.#atom();
    const counts = this.#counts();
    if (counts === null) return atom;
    this.#take('?'); // lazy: the same texts match
    return repeat(atom, ...counts);
  }

  /** `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}`; any other brace is a character of its own. */
  #counts(): readonly [min: number, max: number | null] | null {
    if (this.#take('*')) return [0, null];
    if (this.#take('+')) return [1, null];
    if (this.#take('?')) return [0, 1];
    const match = /^\{(\d+)(,(\d*))?\}/.exec(this.#chars.slice(this.#at, this.#at + 24).join(''));
    if (match === null) return null;
    const [all, least = '0', comma, most = ''] = match;
    const min = Number(least);
    const max = comma === undefined ? min : most === '' ? null : Number(most);
    if (Math.max(min, max ?? 0) > mostRepeats) this.#fail(`more than ${mostRepeats} repetitions`);
    if (max !== null && max < min) this.#fail('a range of repetitions out of order');
    this.#at += all.length;
    return [min, max];
  }

  #atom(): Regular {
    const c = this.#next();
    if (c === '(') return this.#group();
    if (c === '[') return chars(this.#charSet());
    if (c === '.') return chars(this.#dotIsAny ? complement([]) : complement(lineEnds));
    if (c === '^' || c === '$') return { kind: 'assertion', is: c === '^' ? 'start' : 'end' };
    if (c === '\\') {
      const is = assertions[this.#peek()];
      if (is === undefined) return chars(this.#cased(this.#escape(false)));
      this.#at++;
      return { kind: 'assertion', is };
    }
    if ('*+?'.includes(c)) this.#fail(`nothing to repeat before ${c}`);
    return chars(this.#cased(one(c.codePointAt(0) ?? 0)));
  }

  #cased(ranges: CharRanges): CharRanges {
    return this.#ignoresCase ? inAnyCase(ranges) : ranges;
  }

  /** i: case does not matter; s: a dot is any character; u and a: nothing to do. */
  #setFlags(flags: string, length: number): void {
    this.#at += length;
    const odd = /[^aisu]/.exec(flags);
    if (odd !== null) this.#fail(`the flag ${odd[0]}`);
    this.#ignoresCase ||= flags.includes('i');
    this.#dotIsAny ||= flags.includes('s');
  }

  #group(): Regular {
    const [ignoresCase, dotIsAny] = [this.#ignoresCase, this.#dotIsAny];
    if (this.#take('?')) {
      const flags = /^([a-z]+):/.exec(this.#chars.slice(this.#at, this.#at + 8).join(''));
      if (this.#peek() === 'P' && this.#chars[this.#at + 1] === '<') this.#at++; // Python's (?P<name>…)
      if (flags !== null) this.#setFlags(flags[1], flags[0].length);
      else if (this.#take('<')) {
        if ('=!'.includes(this.#peek())) this.#fail('lookbehind');
        while (this.#at < this.#chars.length && !this.#take('>')) this.#at++;
      } else if (!this.#take(':'))
        this.#fail(this.#peek() === '=' || this.#peek() === '!' ? 'lookahead' : 'a group of this kind');
    }
    const body = this.#alternatives(false);
    if (!this.#take(')')) this.#fail('a ( without )');
    [this.#ignoresCase, this.#dotIsAny] = [ignoresCase, dotIsAny];
    return body;
  }

  #charSet(): CharRanges {
    const isNegated = this.#take('^');
    const ranges: (readonly [number, number])[] = [];
    while (!this.#take(']')) {
      const from = this.#member();
      const isRange =
        this.#peek() === '-' && this.#chars[this.#at + 1] !== ']' && from.length === 1 && from[0]?.[0] === from[0]?.[1];
      if (!isRange) {
        ranges.push(...from);
        continue;
      }
      this.#at++;
      const low = from[0]?.[0] ?? 0;
      const high = this.#member()[0]?.[1] ?? 0;
      if (high < low) this.#fail('a class range out of order');
      ranges.push([low, high]);
    }
    const cased = this.#cased(normalize(ranges));
    const all = isNegated ? complement(cased) : cased;
    if (all.length === 0) this.#fail('an empty class');
    return all;
  }

  #member(): CharRanges {
    const c = this.#next();
    return c === '\\' ? this.#escape(true) : one(c.codePointAt(0) ?? 0);
  }

  #escape(inClass: boolean): CharRanges {
    const c = this.#next();
    const ranges = classes[c];
    if (ranges !== undefined) return ranges;
    const control = controls[c];
    if (control !== undefined) return one(control);
    if (c === 'b' && inClass) return one(0x08);
    if (c === 'x') return one(this.#hex(2));
    if (c === 'u') return one(this.#take('{') ? this.#hex(6, '}') : this.#hex(4));
    if (c === 'p' || c === 'P') return this.#property(c === 'P');
    if (/[1-9k]/.test(c)) this.#fail('a back reference');
    if (/[A-Za-z]/.test(c)) this.#fail(`\\${c}`);
    return one(c.codePointAt(0) ?? 0);
  }

  #property(isNegated: boolean): CharRanges {
    const name = /^\{([\w=]{1,60})\}/.exec(this.#chars.slice(this.#at, this.#at + 64).join(''))?.[1] ?? '';
    const ranges = charactersOf(name) ?? this.#fail(`a Unicode property of no known name`);
    this.#at += name.length + 2;
    return isNegated ? complement(ranges) : ranges;
  }

  #hex(length: number, end = ''): number {
    let text = '';
    while (text.length < length && /[0-9a-fA-F]/.test(this.#peek())) text += this.#next();
    if (text === '' || (end === '' && text.length < length) || (end !== '' && !this.#take(end)))
      this.#fail('a bad escape');
    return parseInt(text, 16);
  }

  #peek(): string {
    return this.#chars[this.#at] ?? '';
  }

  #next(): string {
    const c = this.#chars[this.#at++];
    return c ?? this.#fail('an unfinished expression');
  }

  #take(c: string): boolean {
    if (this.#peek() !== c) return false;
    this.#at++;
    return true;
  }

  #fail(what: string): never {
    throw new EngineError(
      'invalid_value',
      `the pattern ${JSON.stringify(this.#pattern)} has ${what} (at ${this.#at}), which a grammar cannot have`,
    );
  }
}

const one = (code: number): CharRanges => [[code, code]];
