/** How a family writes values: JSON for nearly all, Gemma its own. The schema's meaning is json-schema.ts' business. */
import {
  charClass,
  complement,
  exactClass,
  literal,
  textUntil,
  without,
  type CharRanges,
  type Grammar,
} from './ebnf.ts';
import { settled } from './automaton.ts';
import { regularRule } from './regular-rule.ts';
import { chars, eitherOf, repeat, sequenceOf, textOf, wordRanges, type Regular } from './regular.ts';

export interface Dialect {
  /** What stands between two members, and between a key and its value, as EBNF. */
  readonly comma: string;
  readonly colon: string;
  /** A string that is known, as text. */
  quote(text: string): string;
  /** A key that is known, as text. */
  key(name: string): string;
  /** Rules for strings, as EBNF. */
  anyString(grammar: Grammar): string;
  /** Between `min` and `max` characters; `max` null: no limit. */
  countedString(grammar: Grammar, min: number, max: number | null): string;
  /** A string whose characters are `regular`. */
  regularString(grammar: Grammar, regular: Regular): string;
  /** Any key, and any key but these, each with the colon. */
  anyKey(grammar: Grammar): string;
  otherKey(grammar: Grammar, names: readonly string[]): string;
}

/** Longer counted strings hold no escapes: each of their positions costs the matcher's compiler some milliseconds. */
const longestExactCount = 100;
const notPlain: CharRanges = [
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
];
const plain = charClass(complement(notPlain));
const counted = exactClass(complement(notPlain));
const escapes: Readonly<Record<number, string>> = { 8: 'b', 9: 't', 10: 'n', 12: 'f', 13: 'r', 34: '"', 92: '\\' };

/** Escapes without halves of surrogate pairs. */
const escapeBody =
  '["\\/bfnrt] | "u" ([0-9a-cA-CefEF] [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F] | [dD] [0-7] [0-9a-fA-F] [0-9a-fA-F])';

/** The rest of a string of any length and its closing quote; what may follow helps the matcher to know masks beforehand. */
function stringRest(grammar: Grammar): string {
  const escape = grammar.rule('escape', escapeBody);
  const name = 'string_rest';
  return grammar.once(name, `("\\"" | ${plain} ${name} | "\\\\" ${escape} ${name}) (= [,}\\]:])`);
}

/** A text's characters as they stand inside a JSON string. */
function inJsonString(regular: Regular): Regular {
  switch (regular.kind) {
    case 'chars': {
      const codes = Object.entries(escapes).filter(([code]) =>
        regular.ranges.some(([a, b]) => a <= Number(code) && Number(code) <= b),
      );
      const asIs = without(regular.ranges, notPlain);
      return eitherOf(...(asIs.length > 0 ? [chars(asIs)] : []), ...codes.map(([, letter]) => textOf(`\\${letter}`)));
    }
    case 'repeat':
      return repeat(inJsonString(regular.part), regular.min, regular.max);
    case 'sequence':
    case 'either':
      return { kind: regular.kind, parts: regular.parts.map(inJsonString) };
    case 'assertion':
      throw new RangeError('assertions are settled before the text gets quotes');
    case 'graph': {
      const inString = ({ label, to }: { label: Regular; to: number }) => ({ label: inJsonString(label), to });
      return {
        kind: 'graph',
        states: regular.states.map(({ isEnd, steps }) => ({ isEnd, steps: steps.map(inString) })),
      };
    }
  }
}

export const jsonDialect: Dialect = {
  comma: '"," " "?',
  colon: '":" " "?',
  quote: (text) => JSON.stringify(text),
  key: (name) => JSON.stringify(name),
  anyString: (grammar) => grammar.rule('string', `"\\"" ${stringRest(grammar)}`),
  countedString(grammar, min, max) {
    if (max !== null && max > longestExactCount) return `"\\"" ${plain}{${min},${max}} "\\""`;
    const escape = grammar.rule('escape', escapeBody);
    const last = max ?? min;
    let next = max === null ? stringRest(grammar) : grammar.rule('string_end', '"\\""');
    for (let i = last - 1; i >= 0; i--) {
      const end = i >= min ? '"\\"" | ' : '';
      next = grammar.rule('string_count', `${end}${counted} ${next} | "\\\\" ${escape} ${next}`);
    }
    return `"\\"" ${next}`;
  },
  regularString: (grammar, regular) =>
    regularRule(
      grammar,
      'pattern',
      sequenceOf(textOf('"'), inJsonString(settled(regular, grammar.budget)), textOf('"')),
    ),
  anyKey: (grammar) => `${jsonDialect.anyString(grammar)} ${jsonDialect.colon}`,
  otherKey: (grammar, names) => `"\\"" ${otherText(grammar, names, `"\\"" ${jsonDialect.colon}`)}`,
};

/** `text` between two marks without escapes, keys bare. */
export function markedDialect(mark: string): Dialect {
  const end = literal(mark);
  const notMark = exactClass(complement([[mark.charCodeAt(0), mark.charCodeAt(0)]]));
  return {
    comma: '","',
    colon: '":"',
    quote: (text) => mark + text + mark,
    key: (name) => (/^[\w.-]+$/.test(name) ? name : mark + name + mark),
    anyString: (grammar) => grammar.rule('string', `${end} ${textUntil(grammar, 'marked', mark)}`),
    countedString: (_, min, max) => `${end} ${notMark}{${min},${max ?? ''}} ${end}`,
    regularString: (grammar, regular) =>
      regularRule(grammar, 'pattern', sequenceOf(textOf(mark), settled(regular, grammar.budget), textOf(mark))),
    anyKey: (grammar) => otherText(grammar, [], '":"'),
    otherKey: (grammar, names) => otherText(grammar, names, '":"'),
  };
}

const wordChars: CharRanges = [[0x2d, 0x2d], ...wordRanges];

/** Names by their first characters. */
interface Trie {
  isName: boolean;
  readonly next: Map<string, Trie>;
}

function trieOf(names: readonly string[]): Trie {
  const root: Trie = { isName: false, next: new Map() };
  for (const name of names) {
    let node = root;
    for (const c of name) {
      if (!/[\w-]/.test(c)) break; // no word of ours goes on so
      const next = node.next.get(c) ?? { isName: false, next: new Map<string, Trie>() };
      node.next.set(c, next);
      node = next;
    }
    if (/^[\w-]+$/.test(name)) node.isName = true;
  }
  return root;
}

/** A word of letters, digits, `_` and `-` that is none of `names`, and `end`: the complement of the names' prefix tree. */
function otherText(grammar: Grammar, names: readonly string[], end: string): string {
  const rest = grammar.once('other_key_rest', `${end} | ${charClass(wordChars)} other_key_rest`);
  const build = ({ isName, next }: Trie, isRoot: boolean): string => {
    const taken = [...next.keys()].map((c) => [c.charCodeAt(0), c.charCodeAt(0)] as const);
    const ends = isName || isRoot ? [] : [end];
    const deeper = [...next].map(([c, node]) => `${literal(c)} ${build(node, false)}`);
    const others = without(wordChars, taken);
    const other = others.length === 0 ? [] : [`${charClass(others)} ${rest}`];
    return grammar.rule('other_key', [...ends, ...other, ...deeper].join(' | '));
  };
  return build(trieOf(names), true);
}
