/**
 * Byte-pair merging of long pieces of text in windows. The library merges a piece as a whole, at 5 to 10 µs a character and
 * with all of them in one heap: a run of a million spaces or letters, which no pre-tokenizer cuts, would hold its worker for
 * seconds before anybody could say that it has too many tokens.
 *
 * Why the tokens are the same. Merging takes the pair of lowest rank, the leftmost of equals. Let a text's tokens have ends
 * at p and q, with one token between, and let the window from p on begin with that same token. Then no merge reaches across
 * p or q in the two together: take the first that did. Up to there each of the three parts was merged in its own order, so
 * text or window passed through the same two neighbours, with the same pair next, and would have merged it too. So text and
 * window together are merged as the text up to p, and the window.
 */
import type { LibraryModel } from './library.ts';
import type { PieceLimit } from './piece-limit.ts';

/** A piece → its tokens, one after the other the same text. */
export type Merge = (piece: string) => readonly string[];

export interface Windows {
  /** UTF-16 units of a window. */
  readonly size: number;
  /** UTF-16 units at a window's end whose tokens what follows may change. */
  readonly margin: number;
}

const windows: Windows = { size: 1024, margin: 128 };

/** Windows of one piece whose tokens are kept: runs and patterns repeat the same few. */
const mostKnown = 64;

/**
 * Where merging was stopped the tokens are those of the text up to there: what follows could change them, in a chain of
 * merges each of which ranks before the one to its left. So many tokens too many are none of that.
 */
const slack = 1024;

/** Lets `model`, where it merges byte pairs, do so in windows, and end once a text has too many tokens. */
export function boundMerges(model: LibraryModel, limit: PieceLimit): void {
  const merge: Merge | undefined = model.bpe?.bind(model);
  // With a suffix at the end of words, or between tokens, tokens are not parts of the text.
  if (merge === undefined || model.end_of_word_suffix || model.continuing_subword_suffix) return;
  const isKept = keptBy(model);
  const keptOf = (tokens: readonly string[]): number => tokens.reduce((sum, token) => sum + (isKept(token) ? 1 : 0), 0);
  const counter = limit.counter(slack);
  const watch = (): Watch => {
    let made = 0;
    return (tokens) => counter.expect((made += keptOf(tokens)));
  };
  model.bpe = (piece) => {
    const tokens = piece.length <= windows.size ? merge(piece) : mergeInWindows(piece, merge, windows, watch);
    counter.add(keptOf(tokens));
    return tokens;
  };
}

/** Whether a token surely becomes an id, or several: what the vocabulary does not have may be dropped. */
function keptBy({ tokens_to_ids: ids, unk_token: unknown, byte_fallback: hasBytes }: LibraryModel) {
  const byteTokens = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
  );
  const keepsAll = typeof unknown === 'string' || (hasBytes === true && byteTokens.every((token) => ids.has(token)));
  return (token: string): boolean => keepsAll || ids.has(token);
}

/** Hears of the tokens of a piece as they are made, and may end it by throwing. */
type Watch = (tokens: readonly string[]) => void;

/**
 * The tokens of `piece` as `merge` makes them of the whole.
 * @param watch is called again where larger windows begin anew
 */
export function mergeInWindows(
  piece: string,
  merge: Merge,
  { size, margin }: Windows,
  watch: () => Watch,
): readonly string[] {
  const tokens = inWindows(piece, merge, { size, margin }, watch());
  return tokens ?? mergeInWindows(piece, merge, { size: size * 16, margin }, watch);
}

/** null where a window does not begin as the one before it goes on. */
function inWindows(piece: string, merge: Merge, { size, margin }: Windows, watch: Watch): readonly string[] | null {
  const known = new Map<string, readonly string[]>();
  const tokens: string[] = [];
  let at = 0;
  let expected: string | undefined;
  for (;;) {
    const text = window(piece, at, size);
    const made = known.get(text) ?? merge(text);
    if (known.size < mostKnown) known.set(text, made);
    if (expected !== undefined && made[0] !== expected) return null;
    const isLast = at + text.length === piece.length;
    const kept = isLast ? made : made.slice(0, seam(made, text.length - margin));
    if (kept.length === 0) return null;
    for (const token of kept) {
      tokens.push(token);
      at += token.length;
    }
    if (isLast) return tokens;
    watch(kept);
    expected = made[kept.length];
  }
}

/** Never ends within a character. */
function window(piece: string, at: number, size: number): string {
  const end = at + size;
  const isCut = end < piece.length && (piece.charCodeAt(end - 1) & 0xfc00) === 0xd800;
  return piece.slice(at, isCut ? end - 1 : end);
}

/** How many tokens stand before the last one that ends within the first `length` units; 0 where there is none. */
function seam(tokens: readonly string[], length: number): number {
  let end = 0;
  for (let i = 0; i < tokens.length; i++) {
    end += tokens[i].length;
    if (end > length) return Math.max(0, i - 1);
  }
  return tokens.length - 1;
}
