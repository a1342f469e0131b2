/**
 * Regular expressions (ECMA-262, what JSON Schema's `pattern` means) → EBNF. What only a backtracking matcher can do is
 * refused: lookaround, back references, word boundaries.
 */
import { EngineError } from '../../errors.ts';
import { charClass, complement, either, lastCodePoint, normalize, type CharRanges } from './ebnf.ts';

/** Characters as they stand in the output: as they are, or inside a JSON string. Gives EBNF for one of `ranges`. */
export type CharEncoding = (ranges: CharRanges) => string;

export const plainText: CharEncoding = (ranges) => charClass(ranges);

export interface RegexOptions {
  readonly encode: CharEncoding;
  /** `search`: without ^ or $ the expression may match anywhere in the text, as in JSON Schema. */
  readonly mode: 'search' | 'whole';
}

/** @throws EngineError invalid_value with the reason and the position */
export function regexGrammar(pattern: string, options: RegexOptions): string {
  return new RegexParser(pattern, options).parse();
}

const digits: CharRanges = [[0x30, 0x39]];
const word: CharRanges = [...digits, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
const space: CharRanges = normalize([
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]);
const lineEnds: CharRanges = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
const classes: Readonly<Record<string, CharRanges>> = {
  d: digits,
  w: word,
  s: space,
  D: complement(digits),
  W: complement(word),
  S: complement(space),
};
const controls: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, f: 0x0c, v: 0x0b, '0': 0 };
const mostRepeats = 1000;

class RegexParser {
  readonly #chars: readonly string[];
  readonly #pattern: string;
  readonly #options: RegexOptions;
  #at = 0;

  constructor(pattern: string, options: RegexOptions) {
    this.#pattern = pattern;
    this.#chars = Array.from(pattern);
    this.#options = options;
  }

  parse(): string {
    const body = this.#alternatives(true);
    if (this.#at < this.#chars.length) this.#fail('an unmatched )');
    return body;
  }

  #alternatives(isOutermost: boolean): string {
    const branches = [this.#sequence(isOutermost)];
    while (this.#take('|')) branches.push(this.#sequence(isOutermost));
    return either(branches) ?? '""';
  }

  #sequence(isOutermost: boolean): string {
    const anything =
      this.#options.mode === 'search' && isOutermost ? `${this.#options.encode([[0, lastCodePoint]])}*` : null;
    const parts: string[] = [];
    const fromStart = isOutermost && this.#take('^');
    if (anything !== null && !fromStart) parts.push(anything);
    let toEnd = false;
    while (this.#at < this.#chars.length && !'|)'.includes(this.#peek())) {
      if (isOutermost && this.#peek() === '$' && [undefined, '|'].includes(this.#chars[this.#at + 1])) {
        this.#at++;
        toEnd = true;
        break;
      }
      parts.push(this.#quantified());
    }
    if (anything !== null && !toEnd) parts.push(anything);
    return parts.length === 0 ? '""' : parts.join(' ');
  }

  #quantified(): string {
    const atom = this.#atom();
    const c = this.#peek();
    let suffix = '';
    if ('*+?'.includes(c) && c !== '') {
      this.#at++;
      suffix = c;
    } else if (c === '{') suffix = this.#counts();
    if (suffix === '') return atom;
    this.#take('?'); // lazy: the same texts match
    return `${atom}${suffix}`;
  }

  /** `{n}`, `{n,}`, `{n,m}`; any other brace is a character of its own. */
  #counts(): string {
    const match = /^\{(\d+)(,(\d*))?\}/.exec(this.#chars.slice(this.#at, this.#at + 24).join(''));
    if (match === null) return '';
    const [all, min = '0', comma, max = ''] = match;
    if (Number(min) > mostRepeats || Number(max || '0') > mostRepeats)
      this.#fail(`more than ${mostRepeats} repetitions`);
    if (max !== '' && Number(max) < Number(min)) this.#fail('a range of repetitions out of order');
    this.#at += all.length;
    return comma === undefined ? `{${min}}` : `{${min},${max}}`;
  }

  #atom(): string {
    const c = this.#next();
    if (c === '(') return this.#group();
    if (c === '[') return this.#options.encode(this.#charSet());
    if (c === '.') return this.#options.encode(complement(lineEnds));
    if (c === '\\') return this.#options.encode(this.#escape(false));
    if (c === '^' || c === '$') this.#fail(`${c} inside the expression`);
    if ('*+?'.includes(c)) this.#fail(`nothing to repeat before ${c}`);
    return this.#options.encode(one(c.codePointAt(0) ?? 0));
  }

  #group(): string {
    if (this.#take('?')) {
      if (this.#take('<')) {
        if ('=!'.includes(this.#peek())) this.#fail('lookbehind');
        while (this.#at < this.#chars.length && !this.#take('>')) this.#at++;
      } else if (!this.#take(':'))
        this.#fail(this.#peek() === '=' || this.#peek() === '!' ? 'lookahead' : 'a group of this kind');
    }
    const body = this.#alternatives(false);
    if (!this.#take(')')) this.#fail('a ( without )');
    return `(${body})`;
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
    const all = isNegated ? complement(ranges) : normalize(ranges);
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
    if (c === 'b' || c === 'B') this.#fail('a word boundary');
    if (/[1-9k]/.test(c)) this.#fail('a back reference');
    if (/[A-Za-z]/.test(c)) this.#fail(`\\${c}`);
    return one(c.codePointAt(0) ?? 0);
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
