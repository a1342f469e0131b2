import { layerNormReference } from '../layer-norm/layer-norm.reference.ts';
import { rmsNormReference } from '../rms-norm/rms-norm.reference.ts';

export interface HeadNormSpec {
  readonly headDim: number;
  /** All of a token: Hq queries, then Hkv keys, then Hkv values. */
  readonly heads: number;
  readonly kvHeads: number;
  readonly kind: 'rms' | 'layer';
  readonly over: 'head' | 'heads';
  readonly eps: number;
}

/**
 * RMSNorm, or LayerNorm without bias, of each query head and each key head, or of all query heads together and all key
 * heads together; values pass through: qkv `[T, (Hq + 2·Hkv)·D]` → the same shape. `query` and `key` are `[D]`, or have a
 * weight for each dimension of all their heads (Henry et al. 2020, as in Qwen3 and Gemma 3; together in OLMo 2).
 */
export function headNormReference(
  qkv: Float32Array,
  query: Float32Array,
  key: Float32Array,
  { headDim, heads, kvHeads, kind, over, eps }: HeadNormSpec,
): Float32Array {
  const y = qkv.slice();
  const width = heads * headDim;
  const queries = (heads - 2 * kvHeads) * headDim;
  const keys = kvHeads * headDim;
  const normalize = (start: number, length: number, weight: Float32Array) => {
    const size = over === 'head' ? headDim : length;
    for (let at = 0; at < length; at += size) {
      const x = qkv.subarray(start + at, start + at + size);
      const own = weight.length === headDim ? weight : weight.subarray(at, at + size);
      y.set(kind === 'rms' ? rmsNormReference(x, own, eps) : layerNormReference(x, own, null, eps), start + at);
    }
  };
  for (let token = 0; token < qkv.length; token += width) {
    normalize(token, queries, query);
    normalize(token + queries, keys, key);
  }
  return y;
}
