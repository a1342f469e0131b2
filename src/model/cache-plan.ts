/** What an architecture's caches take on the device: the spec that `Ops.createKVCache` gets, and its bytes. */
import type { KVCacheSpec, KVLayerSpec, SlotGroup } from '../kernels/ops.ts';

/** Keys and values of `heads` heads, [headDim] each. */
export interface LayerCache {
  readonly kind: 'kv';
  readonly heads: number;
  readonly headDim: number;
  /** How many keys a query sees, itself included; null sees all. Slots behind the window are given back. */
  readonly window: number | null;
}

interface CacheSize {
  readonly dtype: 'f16' | 'f32';
  /** Of the layers that see everything. */
  readonly slots: number;
  /** Of those that see a window only. */
  readonly windowSlots: number;
  readonly maxRequests: number;
  readonly maxLength: number;
}

/** The longest window of any layer: those with shorter ones share its slots. Null where all layers see everything. */
export function windowOf(caches: readonly LayerCache[]): number | null {
  const windows = caches.flatMap(({ window }) => (window === null ? [] : [window]));
  return windows.length === 0 ? null : Math.max(...windows);
}

/** A slot group for the layers that see everything, and one for the others, if there are any of them. */
export function kvCacheSpec(caches: readonly LayerCache[], size: CacheSize): KVCacheSpec {
  const { dtype, slots, windowSlots, maxRequests, maxLength } = size;
  const full: SlotGroup[] = caches.some(({ window }) => window === null) ? [{ slots, window: null }] : [];
  const window = windowOf(caches);
  const groups = window === null ? full : [...full, { slots: windowSlots, window }];
  const layers = caches.map((cache) => {
    const group = cache.window === null ? 0 : groups.length - 1;
    return { kvHeads: cache.heads, headDim: cache.headDim, dtype, group };
  });
  return { layers, groups, maxRequests, maxLength };
}

/** Of the keys, and of the values, of one slot in one layer. */
function slotBytes({ kvHeads, headDim, dtype }: Omit<KVLayerSpec, 'group'>): number {
  return kvHeads * headDim * (dtype === 'f16' ? 2 : 4);
}

/** Keys and values of one token in all layers. */
export function kvBytesPerToken(layers: readonly KVLayerSpec[]): number {
  return layers.reduce((n, layer) => n + 2 * slotBytes(layer), 0);
}

/** Keys and values of all slots. */
export function kvCacheBytes({ layers, groups }: KVCacheSpec): number {
  return layers.reduce((n, layer) => n + 2 * slotBytes(layer) * groups[layer.group].slots, 0);
}

/** Whether one binding holds the keys of each layer, with the slot more that is the sink of padded tokens. */
export function fitsBinding({ layers, groups }: KVCacheSpec, maxBinding: number): boolean {
  return layers.every((layer) => (groups[layer.group].slots + 1) * slotBytes(layer) <= maxBinding);
}
