/** String literals: jinja2 reads Python's escapes (and keeps unknown ones), `@huggingface/jinja` only some. */
const escapes: Record<string, string> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const escape = /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^]))/g;

/** The text that a literal with its quotes stands for. */
export function readStringLiteral(literal: string): string {
  return literal
    .slice(1, -1)
    .replace(escape, (whole, octal?: string, x?: string, u?: string, long?: string, char?: string) => {
      if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8));
      const hex = x ?? u ?? long;
      if (hex !== undefined) return String.fromCodePoint(Math.min(parseInt(hex, 16), 0x10ffff));
      return escapes[char as string] ?? whole;
    });
}

/** A literal that the library's tokenizer reads back, and in which it sees no tags. */
export function writeStringLiteral(text: string): string {
  return `'${text.replace(/['\\{}%#\n\r]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)}'`;
}
