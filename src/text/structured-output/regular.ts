/** Regular languages as expressions, which automaton.ts makes deterministic. */
import { complement, type CharRanges } from './ebnf.ts';

/** Between two characters, or at an end of the text. `boundary`: a word begins or ends here; `inside`: neither. */
export type Assertion = 'start' | 'end' | 'boundary' | 'inside';

export type Regular =
  | { readonly kind: 'chars'; readonly ranges: CharRanges }
  | { readonly kind: 'sequence' | 'either'; readonly parts: readonly Regular[] }
  /** `max` null: without end. */
  | { readonly kind: 'repeat'; readonly part: Regular; readonly min: number; readonly max: number | null }
  /** From state 0 along the steps to any end. */
  | { readonly kind: 'graph'; readonly states: readonly State<Regular>[] }
  | { readonly kind: 'assertion'; readonly is: Assertion };

export interface State<Label> {
  readonly isEnd: boolean;
  readonly steps: readonly { readonly label: Label; readonly to: number }[];
}

export const chars = (ranges: CharRanges): Regular => ({ kind: 'chars', ranges });
export const sequence = (parts: readonly Regular[]): Regular => ({ kind: 'sequence', parts });
export const sequenceOf = (...parts: readonly Regular[]): Regular => sequence(parts);
export const either = (parts: readonly Regular[]): Regular => ({ kind: 'either', parts });
export const eitherOf = (...parts: readonly Regular[]): Regular => either(parts);
export const repeat = (part: Regular, min: number, max: number | null): Regular => ({ kind: 'repeat', part, min, max });
export const optional = (part: Regular): Regular => repeat(part, 0, 1);
export const textOf = (text: string): Regular =>
  sequence(Array.from(text, (c) => chars([[c.codePointAt(0) ?? 0, c.codePointAt(0) ?? 0]])));

/** Every character, and any text. */
export const anyChar = chars(complement([]));
export const anyText = repeat(anyChar, 0, null);

export const wordRanges: CharRanges = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];

/** Characters of the shortest and of the longest text. */
export function lengthsOf(regular: Regular): { readonly min: number; readonly max: number } {
  switch (regular.kind) {
    case 'chars':
      return { min: 1, max: 1 };
    case 'assertion':
      return { min: 0, max: 0 };
    case 'sequence':
      return regular.parts.map(lengthsOf).reduce((a, b) => ({ min: a.min + b.min, max: a.max + b.max }), {
        min: 0,
        max: 0,
      });
    case 'either':
      return regular.parts
        .map(lengthsOf)
        .reduce((a, b) => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) }), { min: Infinity, max: 0 });
    case 'repeat': {
      const part = lengthsOf(regular.part);
      const max = part.max === 0 ? 0 : part.max * (regular.max ?? Infinity);
      return { min: part.min * regular.min, max: regular.max === 0 ? 0 : max };
    }
    case 'graph':
      return { min: 0, max: Infinity };
  }
}
