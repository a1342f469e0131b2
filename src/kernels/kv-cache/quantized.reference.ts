/**
 * The quantized KV cache: a head's keys or values `[D]` of one token in groups of up to 32 dimensions, each with
 *   min = f16(min x),  scale = f16((max x − min x) / L),  code = round((x − min) / scale) in 0 … L,  value = scale · code + min
 * L = 255 (int8) or 15 (int4). f16 and `round` are to nearest, ties to even; differences and quotients are f32. A group
 * with an infinity or NaN in it is NaN. No calibration: a token's numbers depend on nothing but that token.
 */
import { f16ToF32, f32ToF16 } from '../../tensor/f16.ts';
import { roundTiesToEven } from '../quantize/quantize.reference.ts';
import { quantizedGroup } from './cache-format.ts';

/** What the cache gives back for x `[heads, D]`. */
export function quantizedKVReference(x: Float32Array, headDim: number, dtype: 'int8' | 'int4'): Float32Array {
  const group = quantizedGroup(headDim);
  const out = new Float32Array(x.length);
  for (let begin = 0; begin < x.length; begin += group) {
    out.set(quantizedGroupOf(x.subarray(begin, begin + group), dtype === 'int8' ? 255 : 15), begin);
  }
  return out;
}

function quantizedGroupOf(x: Float32Array, top: number): Float32Array {
  if (!x.every(Number.isFinite)) return new Float32Array(x.length).fill(NaN);
  const least = Math.min(...x);
  const range = Math.fround(Math.max(...x) - least);
  const scale = roundToF16(Math.fround(range / top));
  const min = roundToF16(least);
  return x.map((v) => {
    const code = roundTiesToEven(Math.fround(Math.fround(v - min) / Math.max(scale, 1e-30)));
    return scale * Math.min(Math.max(code, 0), top) + min;
  });
}

const roundToF16 = (x: number) => f16ToF32(f32ToF16(x));
