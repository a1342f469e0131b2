import type { CachePart } from '../kv-cache/cache-format.ts';
import { quantizedKVReference } from '../kv-cache/quantized.reference.ts';
import type { KVDtype, KVLayer } from '../ops.ts';
import { f16Table, f32ToF16 } from '../../tensor/f16.ts';

/** Keys and values `[slots + 1, Hkv, D]` in f32, each a value that the cache's dtype holds. */
export interface ReferenceKVLayer extends KVLayer {
  readonly storage: { readonly keys: Float32Array; readonly values: Float32Array };
}

/**
 * Rotates the first `rotaryDim` dimensions of one head `[D]` in place: with (c, s) = (cos, sin) of the pair,
 * `(a, b) → (a·c − b·s, b·c + a·s)`. Pairs are (i, i + rotaryDim/2), or (2i, 2i + 1) when interleaved (RoFormer,
 * Su et al. 2021). `cosSin` is the table row of the position: rotaryDim/2 cosines, then as many sines.
 */
export function rotateHead(head: Float32Array, cosSin: Float32Array, rotaryDim: number, interleaved: boolean): void {
  const pairs = rotaryDim / 2;
  for (let i = 0; i < pairs; i++) {
    const first = interleaved ? 2 * i : i;
    const second = interleaved ? 2 * i + 1 : i + pairs;
    const a = head[first];
    const b = head[second];
    head[first] = a * cosSin[i] - b * cosSin[pairs + i];
    head[second] = b * cosSin[i] + a * cosSin[pairs + i];
  }
}

/** Writes the key and value `[Hkv, D]` of one token to its slot. */
export function storeKVReference(layer: ReferenceKVLayer, slot: number, key: Float32Array, value: Float32Array): void {
  const { keys, values } = layer.storage;
  const width = layer.kvHeads * layer.headDim;
  keys.set(storedReference(key, 'keys', layer.headDim, layer.dtype), slot * width);
  values.set(storedReference(value, 'values', layer.headDim, layer.dtype), slot * width);
}

/** What the cache gives back for x `[heads, D]`. */
export function storedReference(x: Float32Array, part: CachePart, headDim: number, dtype: KVDtype): Float32Array {
  switch (dtype) {
    case 'f32':
      return x;
    case 'f16':
      return roundToF16(x);
    case 'int8':
    case 'int4':
      return quantizedKVReference(x, part, headDim, dtype);
    default:
      return dtype satisfies never;
  }
}

function roundToF16(x: Float32Array): Float32Array {
  const table = f16Table();
  return x.map((v) => table[f32ToF16(v)]);
}
