/** Ends the encoding of a text once what was made of it is more than the tokens it may have. */
import { TooManyTokens } from './tokenizer.ts';

/** Of what one step of encoding makes, each of which becomes one token at least. */
export interface Counter {
  /** @throws TooManyTokens */
  add(count: number): void;
  /** Throws as `add` would, and counts nothing. @throws TooManyTokens */
  expect(count: number): void;
}

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

  /** @param slack how many more than the limit the step may make */
  counter(slack = 0): Counter {
    let [text, counted] = [0, 0];
    const expect = (count: number): void => {
      if (text !== this.#text) [text, counted] = [this.#text, 0];
      if (counted + count > this.#limit + slack) throw new TooManyTokens();
    };
    const add = (count: number): void => {
      expect(count);
      counted += count;
    };
    return { add, expect };
  }
}
