/** Python's title case and tests of letter case. */
const words = /\p{L}+|\p{L}/gu;

export function capitalize(text: string): string {
  const [first = '', ...rest] = Array.from(text);
  const big = Array.from(first.toUpperCase());
  return (big[0] ?? '') + [...big.slice(1), ...rest].join('').toLowerCase();
}

/** `str.title`: every letter that follows none is big, all others are small. */
export function titleCase(text: string): string {
  return text.replace(words, capitalize);
}

export function swapCase(text: string): string {
  return Array.from(text, (char) => (char === char.toUpperCase() ? char.toLowerCase() : char.toUpperCase())).join('');
}

export function isLower(text: string): boolean {
  return text !== text.toUpperCase() && text === text.toLowerCase();
}

export function isUpper(text: string): boolean {
  return text !== text.toLowerCase() && text === text.toUpperCase();
}

export function isTitle(text: string): boolean {
  return text.toLowerCase() !== text.toUpperCase() && text === titleCase(text);
}

export function isDigits(text: string): boolean {
  return /^\p{Nd}+$/u.test(text);
}
