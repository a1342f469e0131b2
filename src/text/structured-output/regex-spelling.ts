/**
 * Expressions as people write them (Python's spelling, ECMA-262 without its flag u, or a mixture) → the spelling of
 * ECMA-262 with the flag u, the one that knows characters beyond U+FFFF.
 */

export interface Spelled {
  readonly source: string;
  /** Flags of the whole expression, `(?i)` at its beginning. */
  readonly flags: string;
  /** How deep groups stand in each other. */
  readonly depth: number;
}

const leadingFlags = /^\(\?([a-zA-Z]+)\)/;
// A class goes on to the first bracket that is not escaped. The other lengths are bounded: each is tried at many places.
const token =
  /\\[pP]\{[^}]{0,60}\}|\\u\{[^}]{0,60}\}|\\([^])|\{\d+(?:,\d*)?\}|\[(\^?)((?:\\[^]|[^\]\\])*)\]|\(\?P?<(?![=!])[^>]{0,100}>|\(\?([a-zA-Z]+):|[^]/gu;
const member = /\\[pP]\{[^}]{0,60}\}|\\u\{[^}]{0,60}\}|\\([^])|[^]/gu;
const isCharSet = (text: string | undefined): boolean => text !== undefined && /^\\[dDwWsSpP]/.test(text);

export function spell(pattern: string): Spelled {
  const leading = leadingFlags.exec(pattern);
  const flags = leading?.[1] ?? '';
  let [source, depth, open] = ['', 0, 0];
  const body = pattern.slice(leading?.[0].length ?? 0);
  for (const match of body.matchAll(token)) {
    const [all, escaped, negation, members, groupFlags] = match;
    // Not closed, as any behind it: for the parser to refuse.
    if (all === '[') return { source: source + body.slice(match.index), flags, depth };
    if (all.startsWith('(')) depth = Math.max(depth, ++open);
    else if (all === ')') open--;
    if (members !== undefined) source += `[${negation}${spellClass(members)}]`;
    else if (escaped !== undefined) source += spellEscape(escaped);
    else if (groupFlags !== undefined)
      source += `(?${[...groupFlags].filter((flag) => !idle.includes(flag)).join('')}:`;
    else if (all.startsWith('(?') && all.endsWith('>'))
      source += '('; // names say nothing of a text
    else source += '{}]'.includes(all) ? `\\${all}` : all;
  }
  return { source, flags, depth };
}

/** Python's flags that change nothing here: `(?a)` and `(?u)`. */
export const idle = 'au';

/** Python's ends of the text; what needs no backslash. */
function spellEscape(c: string): string {
  if (c === 'A') return '^';
  if (c === 'Z' || c === 'z') return '$';
  return /[A-Za-z0-9^$\\.*+?()[\]{}|/]/.test(c) ? `\\${c}` : c;
}

/** A dash beside a set of characters such as `\w` makes no range. */
function spellClass(members: string): string {
  const parts = Array.from(members.matchAll(member), ([all, escaped]) => ({ all, escaped }));
  return parts
    .map(({ all, escaped }, i) => {
      if (all === '-' && (isCharSet(parts[i - 1]?.all) || isCharSet(parts[i + 1]?.all))) return '\\-';
      return escaped === undefined || /[A-Za-z0-9^$\\.*+?()[\]{}|/-]/.test(escaped) ? all : escaped;
    })
    .join('');
}
