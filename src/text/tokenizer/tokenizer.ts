/** text ↔ ids. Implementations wrap `@huggingface/tokenizers`; sources are a Hugging Face directory or GGUF metadata. */

export interface EncodeOptions {
  /** Adds what the model wants around a text (usually bos). Default true; false for text that a chat template made. */
  readonly addSpecialTokens?: boolean;
  /** A text that certainly has more tokens may end in TooManyTokens instead of being worked through. */
  readonly maxTokens?: number;
}

/** A text has more than `maxTokens`; how many was not counted. */
export class TooManyTokens extends Error {}

export interface DecodeOptions {
  readonly skipSpecialTokens?: boolean;
  /**
   * Whether the ids begin a text (default). SentencePiece vocabularies drop one space there; generated text that
   * continues a prompt keeps it.
   */
  readonly atStart?: boolean;
}

/** ids → text, and what the tokenizer's files say beside the vocabulary. Its work is bounded by the ids it is given. */
export interface Detokenizer {
  readonly vocabSize: number;
  readonly bosTokenId: number | null;
  /** Every id that ends a turn: tokenizer's eos plus generation_config's list. */
  readonly eosTokenIds: readonly number[];
  /** Jinja source of the chat template, null when the model has none. */
  readonly chatTemplate: string | null;
  /** Jinja source of a second template that the model brings for requests with tools, null when it has none. */
  readonly toolUseTemplate: string | null;
  /** Variables that templates may use: bos_token, eos_token, pad_token, unk_token … */
  readonly specialTokens: Readonly<Record<string, string>>;

  /** Spaces dropped at the start of a decoded text (SentencePiece: 1, byte-level: 0). */
  readonly leadingSpaces: number;

  /** The UTF-8 text of the tokens' bytes; malformed bytes come out as U+FFFD. */
  decode(ids: readonly number[], options?: DecodeOptions): string;
  /** The true bytes of one token (a token may be half a character). Empty for an id outside the vocabulary. */
  tokenBytes(id: number): Uint8Array;
  isSpecial(id: number): boolean;
}

export interface Tokenizer extends Detokenizer {
  /** Work grows with the text: a server does it off its HTTP thread. */
  encode(text: string, options?: EncodeOptions): number[];
}

/** Turns a stream of ids into text that never ends in half a character. */
export interface IncrementalDecoder {
  /** New text that is certain after these ids; '' while a character is unfinished. */
  push(ids: readonly number[]): string;
  /** What is left at the end: an unfinished tail comes out as U+FFFD, as a whole decode would give it. */
  flush(): string;
}
