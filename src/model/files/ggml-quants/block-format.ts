/** What each ggml block format says of itself, and the pieces several of them share. */
import { f16ToF32, f32ToF16 } from '../../../tensor/f16.ts';
import type { QuantizedRows } from '../../../tensor/matrix.ts';

/**
 * A block format of ggml and the engine format that holds it. Layouts are those of ggml-common.h; all values are little-endian.
 */
export interface BlockFormat {
  /** As in GGUF files and llama.cpp: Q4_1 … */
  readonly name: string;
  /** ggml_type. */
  readonly id: number;
  /** Elements, consecutive in a row. */
  readonly blockSize: number;
  readonly blockBytes: number;
  /** Engine format, its groups of `groupSize` columns. */
  readonly format: 'int8' | 'int4';
  readonly groupSize: 16 | 32;
  /** Repacks the block whose bytes start at `at` as block number `block` of `out`. */
  readonly decode: (bytes: Uint8Array, at: number, out: QuantizedRows, block: number) => void;
}

export function u16(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8);
}

export function u32(bytes: Uint8Array, at: number): number {
  return (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0;
}

/** f16 bits of factor · (f16 bits): exact for powers of two until it overflows to infinity. */
export function timesF16(bits: number, factor: number): number {
  return f32ToF16(f16ToF32(bits) * factor);
}

/**
 * A group in which the code `zero`, a power of two, stands for 0: `scale` is rounded once to f16 and min is exact, so that a
 * weight is off by 2⁻¹¹·|w| at most.
 */
export function scaleAround(zero: number, scale: number, out: QuantizedRows, group: number): void {
  out.scale[group] = f32ToF16(scale);
  out.min[group] = timesF16(out.scale[group], -zero);
}

/** As `scaleAround` for consecutive groups that share a scale given in f16, exactly. */
export function repeatScale(bits: number, zero: number, out: QuantizedRows, group: number, count: number): void {
  out.scale.fill(bits, group, group + count);
  out.min.fill(timesF16(bits, -zero), group, group + count);
}

/** Signed value of a byte. */
export function i8(byte: number): number {
  return (byte << 24) >> 24;
}

/** The f16 at `at`, as a number. */
export function half(bytes: Uint8Array, at: number): number {
  return f16ToF32(u16(bytes, at));
}

/** Number `i` of the four-bit fields at `at`, the low half of a byte first. */
export function nibble(bytes: Uint8Array, at: number, i: number): number {
  return (bytes[at + (i >> 1)] >> (4 * (i & 1))) & 15;
}

/** Codes, one a byte, into an int4 matrix from its byte `to` on. */
export function packCodes(codes: Uint8Array, q: Uint8Array, to: number): void {
  for (let i = 0; i < codes.length / 2; i++) q[to + i] = codes[2 * i] | (codes[2 * i + 1] << 4);
}

/**
 * 64 bytes of two-bit fields → 256 codes: each half of 128 elements is four runs of 32, run r in bits 2r, 2r + 1 of the half's
 * 32 bytes.
 */
export function unpackPairs(bytes: Uint8Array, at: number, q: Uint8Array, to: number): void {
  for (let i = 0; i < 256; i++) q[to + i] = (bytes[at + (i >> 7) * 32 + (i & 31)] >> (2 * ((i >> 5) & 3))) & 3;
}

/**
 * `count` ggml bytes hold elements 0 … count-1 in their low and count … 2·count-1 in their high nibbles; ours hold even
 * columns low and odd columns high.
 */
export function repackNibbles(bytes: Uint8Array, at: number, count: number, q: Uint8Array, to: number): void {
  const half = count / 2;
  for (let i = 0; i < half; i++) {
    const even = bytes[at + 2 * i];
    const odd = bytes[at + 2 * i + 1];
    q[to + i] = (even & 15) | ((odd & 15) << 4);
    q[to + half + i] = (even >> 4) | (odd & 0xf0);
  }
}

/** Five-bit elements of a 32-block: 16 bytes of nibbles and one bit each of `high`, as bytes 0 … 31. */
export function unpackFiveBits(bytes: Uint8Array, at: number, high: number, q: Uint8Array, to: number): void {
  for (let i = 0; i < 16; i++) {
    const nibbles = bytes[at + i];
    q[to + i] = (nibbles & 15) | (((high >>> i) & 1) << 4);
    q[to + 16 + i] = (nibbles >> 4) | (((high >>> (i + 16)) & 1) << 4);
  }
}

/**
 * Scales and mins of the eight 32-groups of a Q4_K or Q5_K block: `d·sc` and `-dmin·m`, sc and m six-bit numbers packed
 * in the 12 bytes behind the two halves at `at`. Each is rounded once to f16 (relative error ≤ 2⁻¹¹).
 */
export function decodeSixBitScales(bytes: Uint8Array, at: number, out: QuantizedRows, group: number): void {
  const d = half(bytes, at);
  const dmin = half(bytes, at + 2);
  const packed = at + 4;
  for (let j = 0; j < 8; j++) {
    // Groups 0–3 are whole six-bit fields; 4–7 have four bits in the last four bytes and two on top of the first eight.
    const low = bytes[packed + j + (j < 4 ? 0 : 4)];
    const sc = j < 4 ? low & 63 : (low & 15) | ((bytes[packed + j - 4] >> 6) << 4);
    const m = j < 4 ? bytes[packed + j + 4] & 63 : (low >> 4) | ((bytes[packed + j] >> 6) << 4);
    out.scale[group + j] = f32ToF16(d * sc);
    out.min[group + j] = f32ToF16(-dmin * m);
  }
}
