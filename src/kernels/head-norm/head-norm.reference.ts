import { rmsNormReference } from '../rms-norm/rms-norm.reference.ts';

/**
 * RMSNorm of each query head by `query [D]` and each key head by `key [D]`; values pass through: qkv
 * `[T, (Hq + 2·Hkv)·D]` → the same shape (Henry et al. 2020, as in Qwen3 and Gemma 3).
 */
export function headNormReference(
  qkv: Float32Array,
  query: Float32Array,
  key: Float32Array,
  eps: number,
  heads: { readonly all: number; readonly kv: number },
): Float32Array {
  const headDim = query.length;
  const y = qkv.slice();
  for (let start = 0, h = 0; start < y.length; start += headDim, h = (h + 1) % heads.all) {
    if (h >= heads.all - heads.kv) continue;
    const weight = h < heads.all - 2 * heads.kv ? query : key;
    y.set(rmsNormReference(qkv.subarray(start, start + headDim), weight, eps), start);
  }
  return y;
}
