/** Eight-bit float encodings as tables by bit pattern. Source: OCP 8-bit Floating Point Specification and OCP Microscaling Formats. */

/** E4M3 (torch's float8_e4m3fn): bias 7, no infinities; S.1111.111 is NaN. 448 is the largest value, 2⁻⁹ the smallest. */
export const e4m3: Float32Array = Float32Array.from({ length: 256 }, (_, bits) => {
  const sign = bits & 0x80 ? -1 : 1;
  const exponent = (bits >> 3) & 15;
  const fraction = bits & 7;
  if (exponent === 15 && fraction === 7) return NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -9 : (1 + fraction / 8) * 2 ** (exponent - 7));
});

/** E8M0: a power of two; no sign, no fraction, 255 is NaN. */
export const e8m0: Float32Array = Float32Array.from({ length: 256 }, (_, bits) =>
  bits === 255 ? NaN : 2 ** (bits - 127),
);
