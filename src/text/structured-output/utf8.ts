/**
 * Ranges of code points → ranges of the bytes that UTF-8 writes them with. xgrammar (0.1.27) takes a positive class beyond
 * ASCII for bytes and lets a negated one match bytes that are no UTF-8 (overlong forms, surrogates): so classes beyond ASCII
 * are written as what they are in bytes.
 */
export type ByteRange = readonly [first: number, last: number];

/** Code points of each length in bytes, from two bytes on; surrogates are left out. */
const lengths: readonly (readonly [number, number])[] = [
  [0x80, 0x7ff],
  [0x800, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, 0x10ffff],
];

/** Sequences of byte ranges that together write exactly the code points from `first` to `last`, those below 0x80 left out. */
export function utf8Sequences(first: number, last: number): ByteRange[][] {
  return lengths.flatMap(([low, high]) => {
    const [from, to] = [Math.max(first, low), Math.min(last, high)];
    return from <= to ? split(encode(from), encode(to)) : [];
  });
}

function encode(code: number): number[] {
  return [...new TextEncoder().encode(String.fromCodePoint(code))];
}

const continuation: ByteRange = [0x80, 0xbf];

/** Both of one length, `from` not behind `to`. */
function split(from: readonly number[], to: readonly number[]): ByteRange[][] {
  const [a = 0, ...restFrom] = from;
  const [b = 0, ...restTo] = to;
  if (restFrom.length === 0) return [[[a, b]]];
  const lowest = restFrom.map(() => 0x80);
  const highest = restFrom.map(() => 0xbf);
  if (a === b) return split(restFrom, restTo).map((rest) => [[a, a], ...rest]);
  const startsWhole = restFrom.every((byte) => byte === 0x80);
  const endsWhole = restTo.every((byte) => byte === 0xbf);
  const middle: ByteRange = [startsWhole ? a : a + 1, endsWhole ? b : b - 1];
  return [
    ...(startsWhole ? [] : split(restFrom, highest).map((rest): ByteRange[] => [[a, a], ...rest])),
    ...(middle[0] <= middle[1] ? [[middle, ...restFrom.map(() => continuation)]] : []),
    ...(endsWhole ? [] : split(lowest, restTo).map((rest): ByteRange[] => [[b, b], ...rest])),
  ];
}
