/**
 * GPT-2's spelling of bytes as printable characters (Radford et al. 2019, `bytes_to_unicode`): printable Latin-1
 * characters stand for themselves, the other 68 bytes for U+0100 upwards in order. Vocabularies store tokens so.
 */
import { PreTokenizer } from './library.ts';

const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;

/** [256] the character that spells each byte. */
export const byteToChar: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

const charToByte = new Map(byteToChar.map((char, byte) => [char, byte]));

/** The bytes that a byte-level token spells; a token with any other character in it stands for its own UTF-8. */
export function byteLevelBytes(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = charToByte.get(token[i]);
    if (byte === undefined) return new TextEncoder().encode(token);
    bytes[i] = byte;
  }
  return bytes;
}

/**
 * The library's `ByteLevel` pre-tokenizer with `use_regex: false`, word for word the same result. Its own builds each
 * word through three arrays; words are ASCII most of the time, and then only their white space is spelled differently.
 */
export class ByteLevelSpelling extends PreTokenizer {
  readonly #encoder = new TextEncoder();

  override pre_tokenize_text(text: string): string[] {
    let spelled = '';
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return [Array.from(this.#encoder.encode(text), (byte) => byteToChar[byte]).join('')];
      spelled += byteToChar[code];
    }
    return [spelled];
  }
}
