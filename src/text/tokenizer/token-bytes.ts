/**
 * What each token stands for in bytes, from tokenizer.json's decoder. Text is the UTF-8 of those bytes joined, which
 * is what every supported decoder comes to: `ByteLevel` (GPT-2, Llama 3, Qwen …), `Replace`/`ByteFallback`/`Fuse`/
 * `Strip` (Llama 2, Mistral, Gemma: SentencePiece) and `Metaspace`.
 *
 * Two departures from Hugging Face's decoders, both of them llama.cpp's way too: malformed UTF-8 from byte tokens
 * becomes U+FFFD by the Unicode rule (not one for each byte), and `clean_up_tokenization_spaces` is not applied (it
 * would change what the model wrote, and cannot be streamed).
 */
import { EngineError, oneLine } from '../../errors.ts';
import { byteLevelBytes } from './byte-level.ts';
import { flatten, type Component } from './tokenizer-json.ts';

export interface ByteDecoder {
  /** The bytes of one vocabulary entry; `added` entries are written as they are, never in byte-level spelling. */
  bytes(token: string, added: boolean): Uint8Array;
  /** Spaces that are dropped at the start of a text: SentencePiece puts one there when encoding. */
  readonly leadingSpaces: number;
}

const utf8 = new TextEncoder();
const byteToken = /^<0x([0-9A-Fa-f]{2})>$/;

/** Throws unsupported_model for a decoder that is not a map from tokens to bytes (WordPiece, CTC …). */
export function byteDecoder(decoder: Component | null): ByteDecoder {
  let byteLevel = false;
  let byteFallback = false;
  let leadingSpaces = 0;
  const replacements: [string, string][] = [];
  for (const step of flatten(decoder, 'decoders')) {
    switch (step.type) {
      case 'ByteLevel':
        byteLevel = true;
        break;
      case 'ByteFallback':
        byteFallback = true;
        break;
      case 'Fuse':
        break;
      case 'Replace':
        replacements.push([stringPattern(step), step['content'] as string]);
        break;
      case 'Metaspace':
        replacements.push([(step['replacement'] as string | undefined) ?? '▁', ' ']);
        leadingSpaces = step['prepend_scheme'] === 'never' || step['add_prefix_space'] === false ? 0 : 1;
        break;
      case 'Strip':
        if (step['content'] !== ' ' || step['stop'] !== 0) throw unsupported('a Strip other than of leading spaces');
        leadingSpaces = step['start'] as number;
        break;
      default:
        throw unsupported(step.type);
    }
  }
  if (!decoder) throw unsupported('none');
  return {
    leadingSpaces,
    bytes(token, added) {
      if (byteLevel) return added ? utf8.encode(token) : byteLevelBytes(token);
      const byte = byteFallback ? byteToken.exec(token) : null;
      if (byte) return Uint8Array.of(parseInt(byte[1], 16));
      return utf8.encode(replacements.reduce((text, [from, to]) => text.replaceAll(from, to), token));
    },
  };
}

function stringPattern(step: Component): string {
  const pattern = step['pattern'] as { String?: string } | undefined;
  if (typeof pattern?.String !== 'string') throw unsupported('Replace by a regular expression');
  return pattern.String;
}

function unsupported(what: string): EngineError {
  return new EngineError(
    'unsupported_model',
    `tokenizer.json: decoder ${oneLine(what)} is not supported (ByteLevel, Metaspace, or Replace/ByteFallback/Fuse/Strip are)`,
  );
}
