/**
 * GPT-2's spelling of bytes as printable characters (Radford et al. 2019, `bytes_to_unicode`): printable Latin-1
 * characters stand for themselves, the other 68 bytes for U+0100 upwards in order. Vocabularies store tokens so.
 */

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
