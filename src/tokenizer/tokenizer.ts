/** text ↔ ids. Implementations wrap `@huggingface/tokenizers`; sources are a Hugging Face directory or GGUF metadata. */

export interface Tokenizer {
  readonly vocabSize: number;
  readonly bosTokenId: number | null;
  /** Every id that ends a turn: tokenizer's eos plus generation_config's list. */
  readonly eosTokenIds: readonly number[];
  /** Jinja source of the chat template, null when the model has none. */
  readonly chatTemplate: string | null;
  /** Variables that templates may use: bos_token, eos_token, pad_token, unk_token … */
  readonly specialTokens: Readonly<Record<string, string>>;

  encode(text: string, options?: { readonly addSpecialTokens?: boolean }): number[];
  decode(ids: readonly number[], options?: { readonly skipSpecialTokens?: boolean }): string;
  /** The true bytes of one token (a token may be half a character). Empty for an id outside the vocabulary. */
  tokenBytes(id: number): Uint8Array;
  isSpecial(id: number): boolean;
}

/** Turns a stream of ids into text that never ends in half a character. */
export interface IncrementalDecoder {
  /** New text that is certain after these ids; '' while a character is unfinished. */
  push(ids: readonly number[]): string;
  /** What is left at the end: an unfinished tail comes out as U+FFFD, as a whole decode would give it. */
  flush(): string;
}
