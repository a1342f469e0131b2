/** Sets of characters that expressions name: by property, and without regard to case. */
import { complement, normalize, type CharRanges } from './ebnf.ts';

let everyCharacter: string | null = null;
const known = new Map<string, CharRanges>();

/** The characters of a Unicode property (`L`, `Script=Greek`); null when there is no such property. */
export function charactersOf(property: string): CharRanges | null {
  const made = known.get(property);
  if (made !== undefined) return made;
  let runs: RegExp;
  try {
    runs = new RegExp(`\\p{${property}}+`, 'gu');
  } catch {
    return null;
  }
  everyCharacter ??= complement([])
    .map(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i)).join(''))
    .join('');
  const ranges = normalize(
    Array.from(everyCharacter.matchAll(runs), ([run]) => {
      const last = run.codePointAt(run.length - 2) ?? 0;
      const end = last > 0xffff ? last : (run.codePointAt(run.length - 1) ?? 0);
      // Only a run across the surrogates, which are no characters, has a hole.
      return [run.codePointAt(0) ?? 0, end] as const;
    }),
  );
  known.set(property, ranges);
  return ranges;
}

let pairs: readonly (readonly [number, number])[] | null = null;

/** `ranges` and the characters that differ from one of theirs by case only. */
export function inAnyCase(ranges: CharRanges): CharRanges {
  pairs ??= casePairs();
  const has = (code: number): boolean => ranges.some(([from, to]) => from <= code && code <= to);
  const more = pairs.flatMap(([a, b]) => (has(a) ? [[b, b] as const] : has(b) ? [[a, a] as const] : []));
  return normalize([...ranges, ...more]);
}

function casePairs(): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  for (let code = 0; code < 0x1ea00; code++) {
    const c = String.fromCodePoint(code);
    const lower = c.toLowerCase();
    if (lower === c || [...lower].length > 1) continue;
    found.push([code, lower.codePointAt(0) ?? 0]);
  }
  return found;
}
