/**
 * `Tokenizer` over `@huggingface/tokenizers`: the library encodes; decoding is a table of bytes (token-bytes.ts), which
 * needs neither the library nor the memory of its merges.
 */
import { EngineError, oneLine } from '../../errors.ts';
import { fastPreTokenizer, keepsText } from './fast-pre-tokenizers.ts';
import { LibraryTokenizer } from './library.ts';
import { boundMerges } from './long-pieces.ts';
import { faithfulPreTokenizer } from './pre-tokenizers.ts';
import { byteDecoder, type ByteDecoder } from './token-bytes.ts';
import { PieceLimit } from './piece-limit.ts';
import type { DecodeOptions, Detokenizer, EncodeOptions, Tokenizer } from './tokenizer.ts';
import { flatten, type AddedToken, type TokenizerJson, type TokenizerSource } from './tokenizer-json.ts';

const nothing = new Uint8Array(0);
const space = 0x20;

export class HFDetokenizer implements Detokenizer {
  readonly vocabSize: number;
  readonly bosTokenId: number | null;
  readonly eosTokenIds: readonly number[];
  readonly chatTemplate: string | null;
  readonly toolUseTemplate: string | null;
  readonly specialTokens: Readonly<Record<string, string>>;
  readonly leadingSpaces: number;
  /** By id, in the vocabulary's own spelling. */
  readonly #tokens: readonly (string | undefined)[];
  readonly #added: ReadonlyMap<number, AddedToken>;
  readonly #decoder: ByteDecoder;
  readonly #bytes: Uint8Array[] = [];

  /** Throws unsupported_model when tokenizer.json's decoder is not supported; the message names it. */
  constructor(source: TokenizerSource) {
    this.bosTokenId = source.bosTokenId;
    this.eosTokenIds = source.eosTokenIds;
    this.chatTemplate = source.chatTemplate;
    this.toolUseTemplate = source.toolUseTemplate;
    this.specialTokens = source.specialTokens;
    this.#added = new Map(source.json.added_tokens.map((token) => [token.id, token]));
    this.#decoder = byteDecoder(source.json.decoder);
    this.leadingSpaces = this.#decoder.leadingSpaces;
    this.#tokens = tokensById(source.json);
    this.vocabSize = this.#tokens.length;
  }

  decode(ids: readonly number[], options: DecodeOptions = {}): string {
    const shown = options.skipSpecialTokens ? ids.filter((id) => !this.isSpecial(id)) : ids;
    const bytes = Buffer.concat(shown.map((id) => this.tokenBytes(id)));
    let start = 0;
    if (options.atStart ?? true) while (start < this.leadingSpaces && bytes[start] === space) start++;
    return bytes.toString('utf8', start);
  }

  tokenBytes(id: number): Uint8Array {
    const known = this.#bytes[id];
    if (known) return known;
    const token = this.#tokens[id];
    if (token === undefined) return nothing;
    return (this.#bytes[id] = this.#decoder.bytes(token, this.#added.has(id)));
  }

  isSpecial(id: number): boolean {
    return this.#added.get(id)?.special ?? false;
  }
}

export class HFTokenizer extends HFDetokenizer implements Tokenizer {
  readonly #library: LibraryTokenizer;
  readonly #limit = new PieceLimit();

  /** Throws unsupported_model when tokenizer.json uses a part that is not supported; the message names it. */
  constructor(source: TokenizerSource) {
    super(source);
    this.#library = build(source.json, this.#limit);
  }

  encode(text: string, options: EncodeOptions = {}): number[] {
    // A lone surrogate has no UTF-8 form: U+FFFD stands in, here and not somewhere inside a regular expression.
    const wellFormed = Buffer.from(text, 'utf8').toString('utf8');
    return this.#limit.during(
      options.maxTokens ?? Infinity,
      () => this.#library.encode(wellFormed, { add_special_tokens: options.addSpecialTokens ?? true }).ids,
    );
  }
}

/** The vocabulary (token → id, or a list of tokens with scores) and the added tokens. */
function tokensById({ model: { vocab }, added_tokens }: TokenizerJson): (string | undefined)[] {
  const entries: [string, number][] = Array.isArray(vocab)
    ? (vocab as [string, number][]).map(([token], id) => [token, id])
    : Object.entries(vocab as Record<string, number>);
  const tokens = new Array<string | undefined>(entries.length);
  for (const [token, id] of entries) tokens[id] = token;
  for (const { id, content } of added_tokens) tokens[id] = content;
  return tokens;
}

function build(json: TokenizerJson, limit: PieceLimit): LibraryTokenizer {
  try {
    const preTokenizer = faithfulPreTokenizer(json.pre_tokenizer);
    const library = new LibraryTokenizer({ ...json, pre_tokenizer: preTokenizer }, {});
    const steps = library.pre_tokenizer?.tokenizers ?? [];
    const components = flatten(preTokenizer, 'pretokenizers');
    // Elsewhere text may be dropped, by a step or as unknown: pieces are then no lower bound of tokens.
    const keepsAll = components.some((c) => c.type === 'ByteLevel') && components.every(keepsText);
    components.forEach((component, i) => {
      steps[i] = fastPreTokenizer(steps[i], component, keepsAll ? limit : null);
    });
    boundMerges(library.model, limit);
    return library;
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new EngineError('unsupported_model', `tokenizer.json cannot be used: ${oneLine(reason)}`, { cause: error });
  }
}
