/** Strings without quotes, as parameters between tags have them: each ends at the tag behind it, which is written with it. */
import { intersection, settled } from '../structured-output/automaton.ts';
import { jsonDialect, type Dialect } from '../structured-output/dialect.ts';
import { complement, within, type Grammar } from '../structured-output/ebnf.ts';
import { regularRule } from '../structured-output/regular-rule.ts';
import { anyChar, chars, repeat, sequenceOf, textOf, type Regular, type State } from '../structured-output/regular.ts';

export interface BareText {
  /** What is written behind a value. */
  readonly close: string;
  /** What the parser takes for a value's end; no text holds any of it. Each holds a `<`. */
  readonly ends: readonly string[];
}

/** JSON but for its strings, which are bare and have `close` behind them. */
export function bareTextDialect({ close, ends }: BareText): Dialect {
  const withoutEnds = textWithout(ends);
  const closed = (grammar: Grammar, hint: string, regular: Regular): string =>
    regularRule(grammar, hint, sequenceOf(regular, textOf(close)));
  const anyString = (grammar: Grammar): string =>
    grammar.shared(`text ${close}`, () => closed(grammar, 'text', withoutEnds));
  return {
    ...jsonDialect,
    quote: (text) => text + close,
    anyString,
    countedString(grammar, min, max) {
      const [least, greatest] = [Math.min(min, mostCounted), max !== null && max <= mostCounted ? max : null];
      if (least === 0 && greatest === null) return anyString(grammar);
      const counted = repeat(anyChar, least, greatest);
      return closed(grammar, 'text', intersection(counted, withoutEnds, grammar.budget));
    },
    regularString(grammar, regular) {
      const { budget } = grammar;
      const whole = settled(regular, budget);
      const isHeld = mayHold(whole, mark) && sizeOf(whole) <= mostOfPattern;
      return closed(grammar, 'pattern', isHeld ? intersection(whole, withoutEnds, budget) : whole);
    },
  };
}

/** Each character that is counted takes some states for each of a tag's: longer lengths are not kept. */
const mostCounted = 16;
/** Likewise: a larger pattern may hold an end, as most that have one do not. */
const mostOfPattern = 40;
const mark = 0x3c; // <

/** Any text in which none of `tags` stands: their automaton (Aho and Corasick, 1975) without its ends. */
function textWithout(tags: readonly string[]): Regular {
  const begun = [...new Set(['', ...tags.flatMap((tag) => Array.from(tag, (_, i) => tag.slice(0, i)))])];
  const letters = [...new Set(tags.join(''))];
  const others = complement(letters.map((c) => [c.charCodeAt(0), c.charCodeAt(0)] as const));
  const states = begun.map((before): State<Regular> => {
    const steps = letters.flatMap((c) => {
      let after = before + c;
      if (tags.some((tag) => after.endsWith(tag))) return [];
      while (!begun.includes(after)) after = after.slice(1);
      return [{ label: textOf(c), to: begun.indexOf(after) }];
    });
    return { isEnd: true, steps: [{ label: chars(others), to: 0 }, ...steps] };
  });
  return { kind: 'graph', states };
}

/** Characters and states when its repetitions are written out. */
function sizeOf(regular: Regular): number {
  switch (regular.kind) {
    case 'chars':
    case 'assertion':
      return 1;
    case 'repeat':
      return sizeOf(regular.part) * Math.max(1, regular.min, regular.max ?? 0);
    case 'sequence':
    case 'either':
      return regular.parts.reduce((n, part) => n + sizeOf(part), 0);
    case 'graph':
      return regular.states.length;
  }
}

/** false only where no text of `regular` has the character. */
function mayHold(regular: Regular, code: number): boolean {
  switch (regular.kind) {
    case 'chars':
      return within(regular.ranges, code, code).length > 0;
    case 'assertion':
      return false;
    case 'repeat':
      return mayHold(regular.part, code);
    case 'sequence':
    case 'either':
      return regular.parts.some((part) => mayHold(part, code));
    case 'graph':
      return regular.states.some(({ steps }) => steps.some(({ label }) => mayHold(label, code)));
  }
}
