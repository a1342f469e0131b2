/**
 * The tokenizer inside a GGUF file: its metadata turned into the tokenizer.json that the model's authors published.
 * Keys and token types: the GGUF specification (ggml-org/ggml docs/gguf.md); behaviour where a file is silent: llama.cpp.
 */
import { EngineError, oneLine } from '../../errors.ts';
import { flag, numberArray, specialId, stringArray, text, type Metadata } from './gguf-metadata.ts';
import { preType, preTypeNames } from './gguf-pre-types.ts';
import { byteLevelSpelling, isolate } from './pre-tokenizers.ts';
import { mergesFromScores } from './sentencepiece-merges.ts';
import { bosEosTemplate, type AddedToken, type TokenizerJson, type TokenizerSource } from './tokenizer-json.ts';

/** `tokenizer.ggml.token_type`. */
const tokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** GGUF names one eos token; chat models end turns with others too. These always end one. */
const endTokens = new Set(
  (
    '<|eot_id|> <|im_end|> <|end|> <|return|> <|call|> <end_of_turn> <turn|> <|endoftext|> <|end_of_text|> <|eom_id|> ' +
    '<eos> </s> [EOT] [EOS] <EOT> _<EOT> <|calls|> <|endofturn|> <end_of_utterance> <｜end▁of▁sentence｜>'
  ).split(' '),
);
/** Tags of HTML and XML as well: an end only where the file says that they are control tokens. */
const plainTags = new Set(['<eos>', '</s>']);

/**
 * @param metadata the file's key-value pairs; arrays may be plain or typed arrays
 * @throws EngineError model_not_readable when a needed key is missing or malformed, unsupported_model for a kind of
 *   vocabulary (`tokenizer.ggml.model`) or pre-tokenizer (`tokenizer.ggml.pre`) that is not known
 */
export function ggufTokenizerSource(metadata: Metadata): TokenizerSource {
  const tokens = stringArray(metadata, 'tokenizer.ggml.tokens');
  if (!tokens) throw new EngineError('model_not_readable', 'GGUF: metadata key tokenizer.ggml.tokens is missing');
  const types = tokenTypes(metadata, tokens);
  const tokenAt = (name: string): string | null => tokens[specialId(metadata, name) ?? -1] ?? null;
  const vocabulary = vocabularyOf(metadata, tokens, types);

  const bos = (flag(metadata, 'add_bos_token') ?? vocabulary.addBos) ? tokenAt('bos') : null;
  const eos = flag(metadata, 'add_eos_token') ? tokenAt('eos') : null;
  return {
    json: {
      ...vocabulary.json,
      added_tokens: addedTokens(metadata, tokens, types),
      post_processor: bosEosTemplate(bos, eos),
    },
    bosTokenId: specialId(metadata, 'bos'),
    eosTokenIds: endTokenIds(metadata, tokens, types),
    chatTemplate: text(metadata, 'tokenizer.chat_template'),
    toolUseTemplate: text(metadata, 'tokenizer.chat_template.tool_use'),
    specialTokens: specialTokens(tokenAt),
  };
}

/**
 * As the file says, but what ends turns is a control token. Converters got that wrong: the token then would come out as text and
 * be read back as text.
 */
function tokenTypes(metadata: Metadata, tokens: readonly string[]): readonly number[] {
  const types = numberArray(metadata, 'tokenizer.ggml.token_type', tokens.length) ?? tokens.map(() => tokenType.normal);
  return tokens.map((token, id) => (isMistyped(token, types[id]) ? tokenType.control : types[id]));
}

const isMistyped = (token: string, type: number): boolean =>
  type !== tokenType.control && endTokens.has(token) && !plainTags.has(token);

/** Tokens that end a turn and that a file with token types gives another type than control; llama.cpp names them too. */
export function mistypedEndTokens(metadata: Metadata): string[] {
  const tokens = stringArray(metadata, 'tokenizer.ggml.tokens') ?? [];
  const types = numberArray(metadata, 'tokenizer.ggml.token_type', tokens.length) ?? [];
  return types.length === 0 ? [] : tokens.filter((token, id) => isMistyped(token, types[id]));
}

interface Vocabulary {
  readonly json: Omit<TokenizerJson, 'added_tokens' | 'post_processor'>;
  readonly addBos: boolean;
}

function vocabularyOf(metadata: Metadata, tokens: readonly string[], types: readonly number[]): Vocabulary {
  const model = text(metadata, 'tokenizer.ggml.model');
  switch (model ?? 'none') {
    case 'gpt2':
      return byteLevelVocabulary(metadata, tokens);
    case 'llama':
    case 'gemma4':
      return sentencePieceVocabulary(metadata, tokens, types, model === 'llama');
    default:
      throw new EngineError(
        'unsupported_model',
        `GGUF: tokenizer.ggml.model is ${oneLine(JSON.stringify(model))}${kindOf(model)}; gpt2 (byte-level BPE), llama (SentencePiece BPE) and gemma4 are supported`,
      );
  }
}

/** Kinds that llama.cpp has for architectures which do not load here: encoders, T5, RWKV and PLaMo. */
const otherKinds: Readonly<Record<string, string>> = {
  bert: 'WordPiece',
  t5: 'unigram',
  rwkv: 'a trie',
  plamo2: 'unigram',
};

function kindOf(model: string | null): string {
  return model !== null && Object.hasOwn(otherKinds, model)
    ? ` (${otherKinds[model]}), which no architecture here has`
    : '';
}

/** GPT-2's kind: merges over byte-level spelling, after cutting by `tokenizer.ggml.pre`. */
function byteLevelVocabulary(metadata: Metadata, tokens: readonly string[]): Vocabulary {
  const name = text(metadata, 'tokenizer.ggml.pre') ?? 'default';
  const pre = preType(name);
  if (!pre) {
    const known = preTypeNames.join(', ');
    throw new EngineError(
      'unsupported_model',
      `GGUF: tokenizer.ggml.pre ${oneLine(name)} is not supported; known: ${known}`,
    );
  }
  return {
    addBos: pre.addBos ?? false,
    json: {
      normalizer: null,
      pre_tokenizer: { type: 'Sequence', pretokenizers: [...pre.patterns.map(isolate), byteLevelSpelling] },
      decoder: { type: 'ByteLevel' },
      model: {
        type: 'BPE',
        vocab: idsByToken(tokens),
        merges: mergePairs(metadata),
        ignore_merges: pre.ignoreMerges ?? false,
      },
    },
  };
}

/** SentencePiece's kind: merges over whole sections of text with spaces as ▁, bytes as `<0xNN>` where all else fails. */
function sentencePieceVocabulary(
  metadata: Metadata,
  tokens: readonly string[],
  types: readonly number[],
  llama: boolean,
): Vocabulary {
  const prefix = flag(metadata, 'add_space_prefix') ?? llama;
  const spaces = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
  const backToSpaces = { type: 'Replace', pattern: { String: '▁' }, content: ' ' };
  const decoders = [backToSpaces, { type: 'ByteFallback' }, { type: 'Fuse' }];
  return {
    addBos: llama,
    json: {
      normalizer: prefix ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, spaces] } : spaces,
      pre_tokenizer: null,
      decoder: {
        type: 'Sequence',
        decoders: prefix ? [...decoders, { type: 'Strip', content: ' ', start: 1, stop: 0 }] : decoders,
      },
      model: {
        type: 'BPE',
        vocab: idsByToken(tokens),
        merges: metadata['tokenizer.ggml.merges'] ? mergePairs(metadata) : scoredMerges(metadata, tokens, types),
        unk_token: tokens[specialId(metadata, 'unknown') ?? types.indexOf(tokenType.unknown)],
        byte_fallback: true,
        fuse_unk: true,
      },
    },
  };
}

function scoredMerges(metadata: Metadata, tokens: readonly string[], types: readonly number[]): [string, string][] {
  const mergeable = tokens.map((_, id) => types[id] === tokenType.normal || types[id] === tokenType.userDefined);
  // Gemma's scores do not follow its merge order; the order of its tokens does.
  const byPosition = /^gemma/.test(text(metadata, 'general.architecture') ?? '');
  const scores = byPosition
    ? tokens.map((_, id) => -id)
    : numberArray(metadata, 'tokenizer.ggml.scores', tokens.length);
  if (scores) return mergesFromScores(tokens, scores, mergeable);
  throw new EngineError('model_not_readable', 'GGUF: neither tokenizer.ggml.merges nor tokenizer.ggml.scores is there');
}

/** The names that templates use; `seperator` is the specification's own spelling. */
function specialTokens(tokenAt: (name: string) => string | null): Record<string, string> {
  const keys = {
    bos_token: 'bos',
    eos_token: 'eos',
    unk_token: 'unknown',
    pad_token: 'padding',
    sep_token: 'seperator',
  };
  const found = Object.entries(keys).map(([key, name]) => [key, tokenAt(name)] as const);
  return Object.fromEntries(found.filter((entry): entry is [string, string] => entry[1] !== null));
}

/** Control and unknown tokens are special; user-defined ones are matched whole too but shown. */
function addedTokens(metadata: Metadata, tokens: readonly string[], types: readonly number[]): AddedToken[] {
  // Phi-3's chat tokens swallow the white space after them; GGUF cannot say so.
  const phi3 = text(metadata, 'general.architecture') === 'phi3';
  const keepsSpace = new Set(['<unk>', '<s>', '<|endoftext|>']);
  return tokens.flatMap((content, id) => {
    const special = types[id] === tokenType.control || types[id] === tokenType.unknown;
    if (content === '' || !(special || types[id] === tokenType.userDefined)) return [];
    return [{ id, content, special, normalized: false, rstrip: phi3 && special && !keepsSpace.has(content) }];
  });
}

function endTokenIds(metadata: Metadata, tokens: readonly string[], types: readonly number[]): number[] {
  const named = ['eos', 'eot', 'eom'].flatMap((name) => specialId(metadata, name) ?? []);
  const byText = tokens.flatMap((token, id) => (types[id] === tokenType.control && endTokens.has(token) ? [id] : []));
  // In OpenAI's harmony format <|end|> ends a message, not the turn.
  const harmony = byText.some((id) => tokens[id] === '<|return|>');
  return [...new Set([...named, ...byText.filter((id) => !(harmony && tokens[id] === '<|end|>'))])];
}

/** fromEntries, because a token may be called `__proto__`. */
function idsByToken(tokens: readonly string[]): Record<string, number> {
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
}

/** `left right`; a token may itself begin with a space. */
function mergePairs(metadata: Metadata): [string, string][] {
  const merges = stringArray(metadata, 'tokenizer.ggml.merges');
  if (!merges) throw new EngineError('model_not_readable', 'GGUF: metadata key tokenizer.ggml.merges is missing');
  return merges.map((merge) => {
    const gap = merge.indexOf(' ', 1);
    return [merge.slice(0, gap), merge.slice(gap + 1)];
  });
}
