/** What the members of a class such as `a-z_` stand for, in the grammars that requests bring. */
import type { CharRanges } from './ebnf.ts';

export interface ClassChar {
  /** Its code point. */
  readonly code: number;
  /** A dash that is escaped makes no range. */
  readonly isEscaped: boolean;
}

/** In any order; null where a range ends before it begins. */
export function classRanges(members: readonly ClassChar[]): CharRanges | null {
  const ranges: [number, number][] = [];
  for (let i = 0; i < members.length; i++) {
    const from = members[i].code;
    const next = members[i + 1];
    const isRange = next?.code === dash && !next.isEscaped && i + 2 < members.length;
    const to = isRange ? members[i + 2].code : from;
    if (to < from) return null;
    ranges.push([from, to]);
    if (isRange) i += 2;
  }
  return ranges;
}

const dash = 0x2d;
