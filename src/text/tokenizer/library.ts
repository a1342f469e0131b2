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

export interface LibraryTokenizer {
  readonly pre_tokenizer: LibraryPreTokenizer | null;
  readonly model: { readonly vocab: readonly (string | undefined)[] };
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
}

interface Library {
  readonly Tokenizer: new (tokenizerJson: object, config: object) => LibraryTokenizer;
  readonly PreTokenizer: typeof LibraryPreTokenizer;
}

export const { Tokenizer: LibraryTokenizer, PreTokenizer } = library as unknown as Library;
