/**
 * Formats of the IQ2, IQ3 and IQ1 families: a code is an entry of a grid of a few hundred vectors of 4 or 8 small values. Grids are
 * those of ggml-common.h, packed as in the `gguf` Python package (gguf/quants.py): each value as its index among the few that occur.
 */

/** Codes of an int8 matrix are this above the signed value that they stand for; magnitudes are at most 62. */
export const GRID_ZERO = 64;

/** @param hex packed indices, whitespace ignored, `bits` each, the lowest bits of a byte first */
export function unpackGrid(hex: string, bits: 2 | 4, values: readonly number[]): Int8Array {
  const packed = Buffer.from(hex.replace(/\s/g, ''), 'hex');
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  return Int8Array.from({ length: packed.length * perByte }, (_, i) => {
    const index = (packed[Math.floor(i / perByte)] >> (bits * (i % perByte))) & mask;
    return values[index];
  });
}

/** Seven signs are stored; the eighth makes the number of negative ones even. */
export function eightSigns(seven: number): number {
  let parity = seven ^ (seven >> 4);
  parity ^= parity >> 2;
  parity ^= parity >> 1;
  return seven | ((parity & 1) << 7);
}

/** `count` codes of grid values from `from` on; element i is negative where bit i of `signs` is set. */
export function putSigned(
  grid: Int8Array,
  from: number,
  count: number,
  signs: number,
  q: Uint8Array,
  to: number,
): void {
  for (let i = 0; i < count; i++) {
    const value = grid[from + i];
    q[to + i] = GRID_ZERO + ((signs >> i) & 1 ? -value : value);
  }
}
