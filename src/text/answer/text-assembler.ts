/**
 * Token ids → text that may be shown: no half characters (the decoder's work) and no part of a stop string.
 * Tokens are released with their text, so that logprobs and text stay in step and nothing behind a stop is reported.
 */
import { createIncrementalDecoder } from '../incremental-decoder.ts';
import { findStop, heldBackLength } from '../stop-strings.ts';
import type { Detokenizer, IncrementalDecoder } from '../tokenizer/tokenizer.ts';
import type { TokenLogprobs } from './token-output.ts';

export interface TextToken {
  readonly id: number;
  /** What this token added to the text; '' while it is part of an unfinished character. */
  readonly text: string;
  /** Offset of `text` in the whole generated text, in UTF-16 units. */
  readonly offset: number;
  readonly logprobs: TokenLogprobs | null;
}

export interface TextPiece {
  readonly text: string;
  readonly tokens: TextToken[];
}

interface AssemblerOptions {
  readonly stops: readonly string[];
  readonly includeStop: boolean;
  /** Stop strings are not looked for before this many tokens. */
  readonly minTokens: number;
}

export class TextAssembler {
  /** The stop string that ended the text, once one has. */
  matched: string | null = null;
  numTokens = 0;
  readonly #decoder: IncrementalDecoder;
  readonly #options: AssemblerOptions;
  /** Decoded but not released; starts at offset #released. */
  #held = '';
  #released = 0;
  #waiting: TextToken[] = [];

  constructor(decoder: IncrementalDecoder, options: AssemblerOptions) {
    this.#decoder = decoder;
    this.#options = options;
  }

  /** Takes one token; after a stop string matched, further tokens must not be pushed. */
  push(id: number, logprobs: TokenLogprobs | null): TextPiece {
    this.numTokens++;
    return this.#take(this.#decoder.push([id]), { id, logprobs });
  }

  /** The end of the text: everything held back comes out. */
  end(): TextPiece {
    if (this.matched !== null) return { text: '', tokens: [] };
    const piece = this.#take(this.#decoder.flush(), null);
    if (this.matched !== null) return piece;
    const rest = this.#release(this.#held.length);
    return { text: piece.text + rest.text, tokens: [...piece.tokens, ...rest.tokens, ...this.#waiting.splice(0)] };
  }

  #take(text: string, token: { id: number; logprobs: TokenLogprobs | null } | null): TextPiece {
    const offset = this.#released + this.#held.length;
    this.#held += text;
    const last = this.#waiting.at(-1);
    if (token !== null) this.#waiting.push({ ...token, text, offset });
    else if (last !== undefined) this.#waiting[this.#waiting.length - 1] = { ...last, text: last.text + text };

    const { stops, includeStop, minTokens } = this.#options;
    if (stops.length === 0) return this.#release(this.#held.length);
    const match = this.numTokens > minTokens || minTokens === 0 ? findStop(this.#held, stops) : null;
    if (match === null) return this.#release(this.#held.length - heldBackLength(this.#held, stops));
    this.matched = match.stop;
    return this.#release(match.index + (includeStop ? match.stop.length : 0));
  }

  /**
   * Releases the first `length` held characters and the tokens whose text lies wholly in what was released. A token without
   * text, such as the first bytes of a character, goes with the next one that has some.
   */
  #release(length: number): TextPiece {
    if (length === 0 && this.matched === null) return { text: '', tokens: [] };
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    this.#released += length;
    const complete = (t: TextToken): boolean =>
      t.offset + t.text.length <= this.#released || (this.matched !== null && t.offset < this.#released);
    let count = 0;
    for (let i = 0; i < this.#waiting.length && complete(this.#waiting[i]); i++) {
      if (this.#waiting[i].text !== '') count = i + 1;
    }
    return { text, tokens: this.#waiting.splice(0, count) };
  }
}

/**
 * A prompt's tokens with their share of its text, about `size` at a time; the `added` ones in front (BOS) have none. Long
 * prompts with many logprobs take long: the caller may do something else between the pieces.
 */
export function* promptTokens(
  tokenizer: Detokenizer,
  { ids, added }: { readonly ids: readonly number[]; readonly added: number },
  logprobs: readonly (TokenLogprobs | null)[],
  size: number,
): Generator<readonly TextToken[]> {
  const decoder = createIncrementalDecoder(tokenizer, { skipSpecialTokens: false, atStart: true });
  const assembler = new TextAssembler(decoder, { stops: [], includeStop: false, minTokens: 0 });
  let piece: TextToken[] = [];
  for (const [i, id] of ids.entries()) {
    if (i < added) piece.push({ id, text: '', offset: 0, logprobs: logprobs[i] });
    else piece.push(...assembler.push(id, logprobs[i]).tokens);
    if (piece.length < size) continue;
    yield piece;
    piece = [];
  }
  yield [...piece, ...assembler.end().tokens];
}
