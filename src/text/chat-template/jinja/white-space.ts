/** Python's white space, which is not JavaScript's (\x1c–\x1f and \x85 belong to it, \ufeff does not). */
export const whiteClass = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const white = new RegExp(`[${whiteClass}]`);

/** `str.lstrip`; `chars` null strips white space. */
export function stripStart(text: string, chars: string | null = null): string {
  const strips = stripTest(chars);
  let start = 0;
  while (start < text.length && strips(text[start])) start++;
  return text.slice(start);
}

/** `str.rstrip`; `chars` null strips white space. */
export function stripEnd(text: string, chars: string | null = null): string {
  const strips = stripTest(chars);
  let end = text.length;
  while (end > 0 && strips(text[end - 1])) end--;
  return text.slice(0, end);
}

export function strip(text: string, chars: string | null = null): string {
  return stripEnd(stripStart(text, chars), chars);
}

function stripTest(chars: string | null): (char: string) => boolean {
  return chars === null ? (char) => white.test(char) : (char) => chars.includes(char);
}
