/**
 * The two steps of pre-tokenizing that take most of the time, word for word with the library's results. Its own build
 * three arrays for each word (ByteLevel) and compile the pattern anew for each piece (Split): digits, which many
 * vocabularies isolate, took 12 µs each (docs/log.md). And the behaviours of Split that the library does not have.
 */
import { byteToChar } from './byte-level.ts';
import { PreTokenizer, type LibraryPreTokenizer } from './library.ts';
import { isByteLevelSpelling } from './pre-tokenizers.ts';
import type { Counter, PieceLimit } from './piece-limit.ts';
import type { Component } from './tokenizer-json.ts';

/**
 * A faster stand-in for `step`, which the library built from `component`; `step` itself where there is none.
 * @param limit is told of the pieces; null where they are no lower bound of tokens
 */
export function fastPreTokenizer(
  step: LibraryPreTokenizer,
  component: Component,
  limit: PieceLimit | null,
): LibraryPreTokenizer {
  if (isByteLevelSpelling(component)) return new ByteLevelSpelling();
  if (component.type !== 'Split' || !step.pattern) return step;
  const edges = cuts.get(component['behavior']);
  return edges === undefined ? step : new Cut(step.pattern, edges, limit?.counter());
}

type Edge = 'before' | 'behind';

/** Edges of a match at which the behaviours of Split cut that drop nothing. */
const cuts: ReadonlyMap<unknown, readonly Edge[]> = new Map<unknown, readonly Edge[]>([
  ['Isolated', ['before', 'behind']],
  ['MergedWithPrevious', ['behind']],
  ['MergedWithNext', ['before']],
]);

/** Whether all of a text is in the pieces that are made of it. */
export function keepsText({ type, behavior }: Component): boolean {
  return type === 'ByteLevel' || cuts.has(behavior);
}

/** Words are ASCII most of the time: a table look-up for each character then does. */
class ByteLevelSpelling extends PreTokenizer {
  readonly #encoder = new TextEncoder();

  override pre_tokenize_text(text: string): string[] {
    let spelled = '';
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return [Array.from(this.#encoder.encode(text), (byte) => byteToChar[byte]).join('')];
      spelled += byteToChar[code];
    }
    return [spelled];
  }
}

/** Cuts at edges of each match: at both, it is a piece of its own; at one, it stays with what is on the other side of it. */
class Cut extends PreTokenizer {
  readonly #pattern: RegExp;
  readonly #before: boolean;
  readonly #behind: boolean;
  readonly #counter: Counter | undefined;

  constructor(pattern: RegExp, edges: readonly Edge[], counter: Counter | undefined) {
    super();
    this.#pattern = pattern;
    this.#before = edges.includes('before');
    this.#behind = edges.includes('behind');
    this.#counter = counter;
  }

  override pre_tokenize_text(text: string): string[] {
    if (text !== '') this.#counter?.add(1);
    if (text.length <= 1) return [text];
    const pieces: string[] = [];
    let done = 0;
    const cut = (at: number): void => {
      if (at === done || at === text.length) return;
      this.#counter?.add(1);
      pieces.push(text.slice(done, at));
      done = at;
    };
    this.#pattern.lastIndex = 0;
    for (let match; (match = this.#pattern.exec(text));) {
      const end = this.#pattern.lastIndex;
      if (end === match.index) this.#pattern.lastIndex += text.codePointAt(end)! > 0xffff ? 2 : 1;
      if (this.#before) cut(match.index);
      if (this.#behind) cut(end);
    }
    pieces.push(text.slice(done));
    return pieces;
  }
}
