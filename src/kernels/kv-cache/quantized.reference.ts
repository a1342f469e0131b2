/**
 * The quantized KV cache: a head's keys or values `[D]` of one token in groups of dimensions, value = scale · code + least.
 *
 * Eight bits (keys; values of int8), groups of up to 32: least = f16(min x), scale = f16((max x − min x) / 255),
 * code = round((x − least) / scale) in 0 … 255.
 *
 * Four bits (values of int4), groups of 8: the range is that of x and zero, width = (max − min) / 15, c = round((x − min) / width)
 * in 0 … 15. Where x lies on both sides of zero, scale and zero point are those of the line that fits the points (c, x) best
 * (least squares), else the range's own: scale = s(slope) with 5 bits of exponent and 4 of mantissa, least = −scale · z / 8,
 * z = round(Σc − Σx / scale) in 0 … 127, and codes are those of x by scale and least.
 *
 * f16 and `round` are to nearest, ties to even; the rest is f32. A group with an infinity or NaN in it is NaN. No calibration:
 * a token's numbers depend on nothing but that token.
 */
import { f16ToF32, f32ToF16 } from '../../tensor/f16.ts';
import { roundTiesToEven } from '../quantize/quantize.reference.ts';
import { codeBits, unitDimensions, type CachePart } from './cache-format.ts';

/** What the cache gives back for x `[heads, D]`. */
export function quantizedKVReference(
  x: Float32Array,
  part: CachePart,
  headDim: number,
  dtype: 'int8' | 'int4',
): Float32Array {
  const bits = codeBits[dtype][part];
  const group = bits === 8 ? unitDimensions(headDim) : 8;
  const out = new Float32Array(x.length);
  for (let begin = 0; begin < x.length; begin += group) {
    out.set(kept(x.subarray(begin, begin + group), bits), begin);
  }
  return out;
}

function kept(x: Float32Array, bits: 8 | 4): Float32Array {
  if (!x.every(Number.isFinite)) return new Float32Array(x.length).fill(NaN);
  const line = bits === 8 ? ofRange(x) : fitted(x);
  return codesOf(x, line, 2 ** bits - 1).map((code) => line.scale * code + line.least);
}

interface Line {
  readonly scale: number;
  readonly least: number;
}

function codesOf(x: Float32Array, { scale, least }: Line, top: number): Float32Array {
  return x.map((v) => Math.min(Math.max(roundTiesToEven(f(f(v - least) / Math.max(scale, 1e-30))), 0), top));
}

function ofRange(x: Float32Array): Line {
  const least = Math.min(...x);
  const scale = f(f(Math.max(...x) - least) / 255);
  return { scale: f16ToF32(f32ToF16(scale)), least: f16ToF32(f32ToF16(least)) };
}

function fitted(x: Float32Array): Line {
  const [least, most] = [Math.min(0, ...x), Math.max(0, ...x)];
  const width = f(f(most - least) / 15);
  const codes = codesOf(x, { scale: width, least }, 15);
  const [sumC, sumX] = [sum(codes), sum(x)];
  const isFitted = least < 0 && most > 0;
  const over = f(f(8 * sum(x.map((v, i) => v * codes[i]))) - f(sumC * sumX));
  const under = 8 * sum(codes.map((c) => c * c)) - sumC * sumC;
  const scale = nineBits(isFitted ? f(over / Math.max(under, 1)) : width);
  const zero = isFitted ? f(sumC - f(sumX / scale)) : f(f(-8 * least) / scale);
  const eighths = Math.min(Math.max(roundTiesToEven(zero), 0), 127);
  return { scale, least: -0.125 * eighths * scale };
}

/** The f16 next to it whose last six bits are zero, positive and finite. */
function nineBits(scale: number): number {
  return f16ToF32(Math.min(Math.max((f32ToF16(scale) + 32) >> 6, 1), 0x1ef) << 6);
}

function sum(x: Float32Array): number {
  return x.reduce((total, v) => f(total + v), 0);
}

const f = Math.fround;
