/**
 * Grammars as text, in the EBNF that xgrammar reads: rules `name ::= body`, strings, classes, `( )`, `|`, `*`, `+`, `?`,
 * `{m,n}`. Rules that may grow long are written right-recursive: the matcher then knows the allowed tokens of each position
 * beforehand, where a `*` around a rule makes it work them out at every token (50 ms against 0.02 ms, 49k tokens).
 */

import { Budget, BudgetError } from './budget.ts';
import { utf8Sequences, type ByteRange } from './utf8.ts';

/** Inclusive ranges of code points, ascending and apart. */
export type CharRanges = readonly (readonly [number, number])[];

export const lastCodePoint = 0x10ffff;

export class Grammar {
  readonly #rules = new Map<string, string>();
  readonly #shared = new Map<string, string>();
  readonly #names = new Map<string, string>(); // body → rule, so that equal rules are one
  readonly #counts = new Map<string, number>(); // hint → the last number behind it
  readonly budget: Budget;

  /** @param budget what the rules may cost, for grammars that share it */
  constructor(budget = new Budget()) {
    this.budget = budget;
  }

  /** A rule with this body; its name begins with `hint`. */
  rule(hint: string, body: string): string {
    const known = this.#names.get(body);
    if (known !== undefined) return known;
    const name = this.reserve(hint);
    this.define(name, body);
    this.#names.set(body, name);
    return name;
  }

  /** A name to be defined later, for rules that refer to themselves. */
  reserve(hint: string): string {
    const clean = hint.replace(/[^A-Za-z0-9]+/g, '_').replace(/^(?=\d)/, '_');
    let name = clean;
    let count = this.#counts.get(clean) ?? 1;
    while (this.#rules.has(name)) name = `${clean}_${++count}`;
    this.#counts.set(clean, count);
    this.#rules.set(name, '');
    return name;
  }

  define(name: string, body: string): void {
    this.budget.spend('characters', name.length + body.length);
    this.#rules.set(name, body);
  }

  /** The rule of exactly this name, which may refer to itself; defined the first time. */
  once(name: string, body: string): string {
    if (!this.#rules.has(name)) this.define(name, body);
    return name;
  }

  /** What `make` returned the first time for `key`. */
  shared(key: string, make: () => string): string {
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#shared.set(key, made);
    return made;
  }

  /** What `make` returns; null, and no rule of it is left, when it throws anything but that it costs too much. */
  attempt(make: () => string): string | null {
    const maps = [this.#rules, this.#shared, this.#names];
    const sizes = maps.map(({ size }) => size);
    try {
      return make();
    } catch (error) {
      if (error instanceof BudgetError) throw error;
      maps.forEach((map, i) => [...map.keys()].slice(sizes[i]).forEach((key) => map.delete(key)));
      return null;
    }
  }

  /** The grammar that begins with `root`. */
  text(root: string): string {
    const rules = [...this.#rules].map(([name, body]) => `${name} ::= ${body}\n`);
    return `${rules.join('')}root ::= ${root}\n`;
  }
}

/** A string that stands for itself. */
export function literal(text: string): string {
  return `"${Array.from(text, (c) => escape(c.codePointAt(0) ?? 0)).join('')}"`;
}

/**
 * One character of `ranges`. Where all beyond ASCII are among them, bytes that are no UTF-8 pass as well: good enough for
 * text that goes through a decoder and that nobody counts.
 */
export function charClass(ranges: CharRanges): string {
  const missing = complement(ranges);
  const isOpen = missing.length > 0 && within(missing, lastAscii + 1, lastCodePoint).length === 0;
  return isOpen ? `[^${members(missing)}]` : exactClass(ranges);
}

/** One character of `ranges`, in UTF-8. */
export function exactClass(ranges: CharRanges): string {
  const ascii = within(ranges, 0, lastAscii);
  const sequences = within(ranges, lastAscii + 1, lastCodePoint).flatMap(([from, to]) => utf8Sequences(from, to));
  if (sequences.length === 0) return asciiClass(ascii);
  const beyond = prefixed(sequences.map((bytes) => bytes.map(byteRange)));
  return `(${[...(ascii.length > 0 ? [asciiClass(ascii)] : []), ...beyond].join(' | ')})`;
}

/** Sequences that begin alike are written as one alternative: xgrammar must not choose between them (see automaton.ts). */
function prefixed(sequences: readonly (readonly string[])[]): string[] {
  const heads = [...new Set(sequences.map(([head = '']) => head))];
  return heads.map((head) => {
    const tails = sequences.filter(([first]) => first === head).map((sequence) => sequence.slice(1));
    const rest = prefixed(tails.filter((tail) => tail.length > 0));
    return rest.length === 0 ? head : `${head} ${rest.length === 1 ? rest[0] : `(${rest.join(' | ')})`}`;
  });
}

const lastAscii = 0x7f;

const asciiClass = (ranges: CharRanges) => `[${members(ranges)}]`;

/** A class of bytes from 0x80 on. A single one would be read as a character, so 0xff stands beside it, which no token has. */
function byteRange([from, to]: ByteRange): string {
  return from === to ? `[${escape(from)}${escape(0xff)}]` : `[${escape(from)}-${escape(to)}]`;
}

const members = (ranges: CharRanges) =>
  ranges.map(([from, to]) => (from === to ? escape(from) : `${escape(from)}-${escape(to)}`)).join('');

/** The code points of `ranges` from `first` to `last`. */
export function within(ranges: CharRanges, first: number, last: number): CharRanges {
  return normalize(ranges.map(([from, to]) => [Math.max(from, first), Math.min(to, last)] as const));
}

/** Letters, digits and spaces as they are, all else by its number (xgrammar reads `\\x` with any number of digits: not used). */
function escape(code: number): string {
  const c = String.fromCodePoint(code);
  if (/[A-Za-z0-9 _]/.test(c)) return c;
  const hex = code.toString(16);
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

/**
 * `(a | b | …)` of whatever may begin alike: each is a rule that ends in an empty one, which keeps xgrammar from joining
 * them (see automaton.ts). null when there is none.
 */
export function either(grammar: Grammar, alternatives: readonly (string | null)[]): string | null {
  const possible = [...new Set(alternatives.filter((a) => a !== null))];
  if (possible.length <= 1) return possible[0] ?? null;
  const nothing = grammar.once('nothing', '""');
  return `(${possible.map((body) => grammar.rule('option', `(${body}) ${nothing}`)).join(' | ')})`;
}

/** Ranges that hold the code points of `ranges` in any order. */
export function normalize(ranges: CharRanges): CharRanges {
  const sorted = ranges.filter(([from, to]) => from <= to).sort(([a], [b]) => a - b);
  const merged: [number, number][] = [];
  for (const [from, to] of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

/** Every code point that is not in `ranges`. Surrogates are no characters. */
export function complement(ranges: CharRanges): CharRanges {
  const rest: [number, number][] = [];
  let next = 0;
  for (const [from, to] of normalize([...ranges, [0xd800, 0xdfff]])) {
    if (from > next) rest.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= lastCodePoint) rest.push([next, lastCodePoint]);
  return rest;
}

/** The code points of `ranges` without those of `removed`. */
export function without(ranges: CharRanges, removed: CharRanges): CharRanges {
  return complement(normalize([...complement(ranges), ...removed]));
}

/**
 * Any text and the `tag` that ends it, which comes only there: the tag's Knuth-Morris-Pratt automaton as rules. Where the
 * tag goes on beyond ASCII, its beginning with any other such character behind it is left out as well (see charClass); where
 * it begins beyond ASCII, its first character.
 * @returns the name of the rule for text and tag
 */
export function textUntil(grammar: Grammar, hint: string, tag: string): string {
  const head = /^[\x00-\x7f]+/.exec(tag)?.[0] ?? '';
  const letters = [...new Set(head)];
  const isWhole = head === tag;
  if (head === '') return textWithout(grammar, hint, tag);
  const names = Array.from({ length: head.length + (isWhole ? 0 : 1) }, (_, i) => grammar.reserve(`${hint}_${i}`));
  const [first] = names;
  names.forEach((name, i) => {
    const steps = letters.map((c) => {
      let suffix = head.slice(0, i) + c;
      while (!head.startsWith(suffix)) suffix = suffix.slice(1);
      return suffix === tag ? literal(c) : `${literal(c)} ${names[suffix.length] ?? first}`;
    });
    const others = complement(letters.map((c) => [c.charCodeAt(0), c.charCodeAt(0)] as const));
    const isLast = i === head.length;
    if (isLast) steps.push(literal(tag.slice(head.length)));
    grammar.define(
      name,
      [`${isLast ? asciiClass(within(others, 0, lastAscii)) : charClass(others)} ${first}`, ...steps].join(' | '),
    );
  });
  return first;
}

function textWithout(grammar: Grammar, hint: string, tag: string): string {
  const mark = tag.codePointAt(0) ?? 0;
  const name = grammar.reserve(hint);
  grammar.define(name, `${exactClass(complement([[mark, mark]]))} ${name} | ${literal(tag)}`);
  return name;
}
