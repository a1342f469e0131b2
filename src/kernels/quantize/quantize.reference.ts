/**
 * Activation quantization, the q8 form of a tensor `[T, H]`: groups of 32 consecutive features of one token,
 *   scale = max|x| / 127,  q = round(x / scale)
 * with q in -127 … 127 (int8) and scale in f32. q12 has 2047 in place of 127. `round` is to nearest, ties to even, as WGSL's. A group of zeros has
 * scale 0. The last group of a row is shorter when H is not a multiple of 32.
 */
export const ACTIVATION_GROUP = 32;

/** Largest code of q12. */
export const Q12_TOP = 2047;

export interface QuantizedActivation {
  /** `[T, H]` */
  readonly q: Int16Array;
  /** `[T, ceil(H / 32)]` */
  readonly scale: Float32Array;
}

export function quantizeReference(x: Float32Array, tokens: number, features: number, top = 127): QuantizedActivation {
  const groups = Math.ceil(features / ACTIVATION_GROUP);
  const q = new Int16Array(tokens * features);
  const scale = new Float32Array(tokens * groups);
  for (let t = 0; t < tokens; t++) {
    for (let g = 0; g < groups; g++) {
      const begin = t * features + g * ACTIVATION_GROUP;
      const end = t * features + Math.min((g + 1) * ACTIVATION_GROUP, features);
      let largest = 0;
      for (let i = begin; i < end; i++) largest = Math.max(largest, Math.abs(x[i]));
      const s = Math.fround(largest / top);
      scale[t * groups + g] = s;
      for (let i = begin; i < end; i++) q[i] = s === 0 ? 0 : roundTiesToEven(Math.fround(x[i] / s));
    }
  }
  return { q, scale };
}

/** `scale · q`, `[T, H]` f32. */
export function dequantizeReference(x: QuantizedActivation, tokens: number, features: number): Float32Array {
  const groups = Math.ceil(features / ACTIVATION_GROUP);
  const out = new Float32Array(tokens * features);
  for (let t = 0; t < tokens; t++)
    for (let i = 0; i < features; i++)
      out[t * features + i] = x.q[t * features + i] * x.scale[t * groups + Math.floor(i / ACTIVATION_GROUP)];
  return out;
}

/** As WGSL's `round`. */
export function roundTiesToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}
