/**
 * Regular expressions (ECMA-262, what JSON Schema's `pattern` means, and Python's spelling where that is another) → automata.
 * What only a backtracking matcher can do is refused: lookaround, back references.
 */
import { type AST, RegExpParser, RegExpSyntaxError } from '@eslint-community/regexpp';
import { EngineError } from '../../errors.ts';
import { charactersOf, inAnyCase } from './character-sets.ts';
import { complement, normalize, type CharRanges } from './ebnf.ts';
import { idle, spell } from './regex-spelling.ts';
import { anyText, chars, either, repeat, sequence, wordRanges, type Regular } from './regular.ts';

/** Characters: the parser makes an object of each. */
const longest = 200_000;
/** Groups in groups: parser and automata go down into them. */
const deepest = 500;
const mostRepeats = 1000;

/**
 * @param mode `search`: without ^ or $ the expression may match anywhere in the text, as in JSON Schema
 * @throws EngineError invalid_value with the reason and the place
 */
export function parseRegex(pattern: string, mode: 'search' | 'whole'): Regular {
  const fail = (what: string): never => {
    const shown = JSON.stringify(pattern.length > 200 ? `${pattern.slice(0, 200)}…` : pattern);
    throw new EngineError('invalid_value', `the pattern ${shown} has ${what}, which a grammar cannot have`);
  };
  if (pattern.length > longest) return fail(`more than ${longest} characters`);
  const { source, flags, depth } = spell(pattern);
  if (depth > deepest) return fail(`more than ${deepest} groups in each other`);
  return new RegexReader(mode, fail).read(parse(source, fail), flagsOf(flags, fail));
}

function parse(source: string, fail: (what: string) => never): AST.Pattern {
  try {
    return new RegExpParser({ ecmaVersion: 2025 }).parsePattern(source, 0, source.length, { unicode: true });
  } catch (error) {
    if (!(error instanceof RegExpSyntaxError)) throw error;
    const reason = error.message.slice(error.message.lastIndexOf(': ') + 2).toLowerCase();
    return fail(`a fault (${reason}, before ${JSON.stringify(source.slice(error.index, error.index + 20))})`);
  }
}

interface Flags {
  readonly ignoresCase: boolean;
  readonly dotIsAny: boolean;
}

function flagsOf(flags: string, fail: (what: string) => never): Flags {
  const odd = [...flags].find((flag) => !`is${idle}`.includes(flag));
  if (odd !== undefined) fail(`the flag ${odd}`);
  return { ignoresCase: flags.includes('i'), dotIsAny: flags.includes('s') };
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
const sets = { digit: digits, space, word: wordRanges } as const;

class RegexReader {
  readonly #mode: 'search' | 'whole';
  readonly #fail: (what: string) => never;

  constructor(mode: 'search' | 'whole', fail: (what: string) => never) {
    this.#mode = mode;
    this.#fail = fail;
  }

  read({ alternatives }: AST.Pattern, flags: Flags): Regular {
    return either(alternatives.map((alternative) => this.#outermost(alternative.elements, flags)));
  }

  /** A branch of the whole expression: in `search` mode anything may stand around what ^ and $ do not hold. */
  #outermost(elements: readonly AST.Element[], flags: Flags): Regular {
    const around = this.#mode === 'search' ? [anyText] : [];
    const isFromStart = isEdge(elements[0], 'start');
    const isToEnd = isEdge(elements.at(-1), 'end');
    const inner = elements.slice(isFromStart ? 1 : 0, isToEnd ? -1 : undefined);
    const parts = inner.map((element) => this.#element(element, flags));
    return sequence([...(isFromStart ? [] : around), ...parts, ...(isToEnd ? [] : around)]);
  }

  #alternatives(alternatives: readonly AST.Alternative[], flags: Flags): Regular {
    return either(alternatives.map(({ elements }) => sequence(elements.map((one) => this.#element(one, flags)))));
  }

  #element(element: AST.Element, flags: Flags): Regular {
    switch (element.type) {
      case 'Character':
      case 'CharacterSet':
        return chars(this.#cased(this.#ranges(element, flags), flags));
      case 'CharacterClass':
        return chars(this.#class(element, flags));
      case 'CapturingGroup':
        return this.#alternatives(element.alternatives, flags);
      case 'Group':
        return this.#alternatives(element.alternatives, this.#modified(element.modifiers, flags));
      case 'Quantifier':
        return this.#quantified(element, flags);
      case 'Assertion':
        return this.#assertion(element);
      case 'Backreference':
        return this.#fail('a back reference');
      case 'ExpressionCharacterClass':
        return this.#fail('an operation on classes');
    }
  }

  #quantified({ element, min, max }: AST.Quantifier, flags: Flags): Regular {
    const most = Number.isFinite(max) ? max : null;
    if (Math.max(min, most ?? 0) > mostRepeats) this.#fail(`more than ${mostRepeats} repetitions`);
    return repeat(this.#element(element, flags), min, most);
  }

  #assertion(assertion: AST.Assertion): Regular {
    if (assertion.kind === 'word') return { kind: 'assertion', is: assertion.negate ? 'inside' : 'boundary' };
    if (assertion.kind === 'start' || assertion.kind === 'end') return { kind: 'assertion', is: assertion.kind };
    return this.#fail(assertion.kind);
  }

  #modified(modifiers: AST.Modifiers | null, flags: Flags): Flags {
    if (modifiers === null) return flags;
    const { add, remove } = modifiers;
    if (add.multiline || remove?.multiline === true) this.#fail('the flag m');
    return {
      ignoresCase: (flags.ignoresCase || add.ignoreCase) && remove?.ignoreCase !== true,
      dotIsAny: (flags.dotIsAny || add.dotAll) && remove?.dotAll !== true,
    };
  }

  #cased(ranges: CharRanges, { ignoresCase }: Flags): CharRanges {
    return ignoresCase ? inAnyCase(ranges) : ranges;
  }

  #class({ elements, negate }: AST.CharacterClass, flags: Flags): CharRanges {
    const ranges = elements.flatMap((element) => this.#member(element, flags));
    const cased = this.#cased(normalize(ranges), flags);
    const all = negate ? complement(cased) : cased;
    return all.length === 0 ? this.#fail('an empty class') : all;
  }

  #member(element: AST.CharacterClassElement, flags: Flags): CharRanges {
    if (element.type === 'CharacterClassRange') return [[element.min.value, element.max.value]];
    if (element.type === 'Character' || element.type === 'CharacterSet') return this.#ranges(element, flags);
    return this.#fail('a class in a class');
  }

  #ranges(element: AST.Character | AST.CharacterSet, flags: Flags): CharRanges {
    if (element.type === 'Character') return this.#one(element.value);
    if (element.kind === 'any') return flags.dotIsAny ? complement([]) : complement(lineEnds);
    const known = element.kind === 'property' ? this.#property(element) : sets[element.kind];
    return element.negate ? complement(known) : known;
  }

  #one(code: number): CharRanges {
    return code >= 0xd800 && code <= 0xdfff ? this.#fail('half of a surrogate pair') : [[code, code]];
  }

  #property({ key, value }: AST.UnicodePropertyCharacterSet): CharRanges {
    return charactersOf(value === null ? key : `${key}=${value}`) ?? this.#fail('a Unicode property of no known name');
  }
}

function isEdge(element: AST.Element | undefined, kind: 'start' | 'end'): boolean {
  return element?.type === 'Assertion' && element.kind === kind;
}
