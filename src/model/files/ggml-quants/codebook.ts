/** Formats whose four-bit codes are indices into sixteen fixed values. */

/** Codes of an int8 matrix are these above the value they stand for. */
export const CODEBOOK_ZERO = 128;

/** IQ4_NL and IQ4_XS: values of ggml-common.h, closer to each other near zero. */
export const nonLinear = codes([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]);

/** MXFP4 and NVFP4: floats of one sign, two exponent and one mantissa bit (E2M1), doubled. */
export const doubledE2M1 = codes([0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12]);

function codes(values: readonly number[]): Uint8Array {
  return Uint8Array.from(values, (value) => CODEBOOK_ZERO + value);
}

/** `count` bytes hold elements 0 … count-1 in their low and count … 2·count-1 in their high nibbles. */
export function lookUpNibbles(
  codebook: Uint8Array,
  bytes: Uint8Array,
  at: number,
  count: number,
  q: Uint8Array,
  to: number,
): void {
  for (let i = 0; i < count; i++) {
    q[to + i] = codebook[bytes[at + i] & 15];
    q[to + count + i] = codebook[bytes[at + i] >> 4];
  }
}
