/**
 * The part of `@huggingface/tokenizers` that is used, typed here: the package's own typings import without file
 * extensions, which Node's module resolution turns into `any`.
 */
import * as library from '@huggingface/tokenizers';

/** Splits a piece of text further; called through `pre_tokenize`. */
export declare abstract class LibraryPreTokenizer {
  /** The members of a Sequence. */
  tokenizers?: LibraryPreTokenizer[];
  /** The compiled pattern of a Split. */
  pattern?: RegExp | null;
  abstract pre_tokenize_text(text: string): string[];
}

/** Pieces → tokens. */
export interface LibraryModel {
  readonly vocab: readonly (string | undefined)[];
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  readonly unk_token?: string | null;
  /** Characters that the vocabulary does not have are written as tokens of their bytes. */
  readonly byte_fallback?: boolean;
  readonly end_of_word_suffix?: string | null;
  readonly continuing_subword_suffix?: string | null;
  /** Where the model merges byte pairs: a piece → its tokens. */
  bpe?(piece: string): readonly string[];
}

export interface LibraryTokenizer {
  readonly pre_tokenizer: LibraryPreTokenizer | null;
  readonly model: LibraryModel;
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
}

interface Library {
  readonly Tokenizer: new (tokenizerJson: object, config: object) => LibraryTokenizer;
  readonly PreTokenizer: typeof LibraryPreTokenizer;
}

export const { Tokenizer: LibraryTokenizer, PreTokenizer } = library as unknown as Library;
