/** What an architecture's caches take on the device: the spec that `Ops.createKVCache` gets, and its bytes. */
import type { KVCacheSpec, KVLayerSpec } from '../kernels/ops.ts';

/** Keys and values of `heads` heads, [headDim] each. */
export interface LayerCache {
  readonly kind: 'kv';
  readonly heads: number;
  readonly headDim: number;
  /** How many keys a query sees, itself included; null sees all. Slots behind the window are given back. */
  readonly window: number | null;
}

export interface CacheSize {
  readonly dtype: 'f16' | 'f32';
  readonly slots: number;
  readonly maxRequests: number;
  readonly maxLength: number;
}

export function kvCacheSpec(caches: readonly LayerCache[], size: CacheSize): KVCacheSpec {
  const { dtype, slots, maxRequests, maxLength } = size;
  const layers = caches.map(({ heads, headDim }) => ({ kvHeads: heads, headDim, dtype, group: 0 }));
  return { layers, groups: [{ slots }], maxRequests, maxLength };
}

/** Of the keys, and of the values, of one slot in one layer. */
export function slotBytes({ kvHeads, headDim, dtype }: Omit<KVLayerSpec, 'group'>): number {
  return kvHeads * headDim * (dtype === 'f16' ? 2 : 4);
}

/** Keys and values of one token in all layers. */
export function kvBytesPerToken(layers: readonly KVLayerSpec[]): number {
  return layers.reduce((n, layer) => n + 2 * slotBytes(layer), 0);
}
