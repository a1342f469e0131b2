/** Ends the encoding of a text once its pieces are more than the tokens it may have: each piece becomes one token at least. */
import { TooManyTokens } from './tokenizer.ts';

export class PieceLimit {
  #limit = Infinity;
  /** Counts up with every text; what counted for an earlier one starts anew. */
  #text = 0;

  /** `encode` with at most `limit` pieces from each step. @throws TooManyTokens */
  during<T>(limit: number, encode: () => T): T {
    this.#limit = limit;
    this.#text++;
    try {
      return encode();
    } finally {
      this.#limit = Infinity;
    }
  }

  /** What one step calls for each piece that it makes. */
  counter(): () => void {
    let [text, count] = [0, 0];
    return () => {
      if (text !== this.#text) [text, count] = [this.#text, 0];
      if (++count > this.#limit) throw new TooManyTokens();
    };
  }
}
