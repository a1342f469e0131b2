/** What an architecture's caches take on the device: the spec that `Ops.createKVCache` gets, and its bytes. */
import { EngineError } from '../errors.ts';
import { slotBytes, stateBytes } from '../kernels/kv-cache/slot-bytes.ts';
import type { CacheLayerSpec, KVCacheSpec, KVDtype, SlotGroup } from '../kernels/ops.ts';

/** Keys and values of `heads` heads, [headDim] each. */
export interface KVLayerCache {
  readonly kind: 'kv';
  readonly heads: number;
  readonly headDim: number;
  /** How many keys a query sees, itself included; null sees all. Slots behind the window are given back. */
  readonly window: number | null;
}

/** One row of rank + ropeDim values a token, in place of all heads' keys and values (LatentLayerSpec). It sees everything. */
export interface LatentLayerCache {
  readonly kind: 'latent';
  readonly rank: number;
  readonly ropeDim: number;
}

/** A recurrent state of so many f32 values a request, however long it is. */
export interface StateLayerCache {
  readonly kind: 'state';
  readonly floats: number;
}

/** What a layer remembers of earlier tokens. */
export type LayerCache = KVLayerCache | LatentLayerCache | StateLayerCache;

interface CacheSize {
  readonly dtype: KVDtype;
  /** Of the layers that see everything. */
  readonly slots: number;
  /** Of those that see a window only. */
  readonly windowSlots: number;
  readonly maxRequests: number;
  readonly maxLength: number;
  /** Recurrent states that the prefix cache may keep, beside those of running requests; only where layers have some. */
  readonly snapshots?: number;
}

/** How many positions back a layer sees, the own one included; null: all. */
function windowIn(cache: LayerCache): number | null {
  return cache.kind === 'kv' ? cache.window : null;
}

/** The longest window of any layer: those with shorter ones share its slots. Null where all layers see everything. */
export function windowOf(caches: readonly LayerCache[]): number | null {
  const windows = caches.map(windowIn).filter((window) => window !== null);
  return windows.length === 0 ? null : Math.max(...windows);
}

/**
 * A slot group for the layers that see everything, and one for the others, if there are any of them.
 * @throws EngineError bad_flag for a dtype that a layer cannot have
 */
export function kvCacheSpec(caches: readonly LayerCache[], size: CacheSize): KVCacheSpec {
  const { dtype, slots, windowSlots, maxRequests, maxLength, snapshots = 0 } = size;
  const full: SlotGroup[] = caches.some((cache) => windowIn(cache) === null) ? [{ slots, window: null }] : [];
  const window = windowOf(caches);
  const groups = window === null ? full : [...full, { slots: windowSlots, window }];
  const layers = caches.map((cache): CacheLayerSpec => {
    const group = windowIn(cache) === null ? 0 : groups.length - 1;
    switch (cache.kind) {
      case 'kv':
        return { kind: 'kv', kvHeads: cache.heads, headDim: cache.headDim, dtype, group };
      case 'latent':
        return { kind: 'latent', rank: cache.rank, ropeDim: cache.ropeDim, dtype: dtypeOfLatents(dtype), group };
      case 'state':
        return cache;
      default:
        return cache satisfies never;
    }
  });
  const stateRows = layers.some(({ kind }) => kind === 'state') ? { stateRows: maxRequests + snapshots } : {};
  return { layers, groups, maxRequests, maxLength, ...stateRows };
}

function dtypeOfLatents(dtype: KVDtype): Exclude<KVDtype, 'int4'> {
  if (dtype !== 'int4') return dtype;
  const message = `--kv_cache_dtype int4: the model keeps latents, which are keys and values in one, and int4 has 4 bits for values only; use int8`;
  throw new EngineError('bad_flag', message, { param: 'kv_cache_dtype' });
}

/** The recurrent states of one request in all layers; 0 where there are none. */
export function stateBytesPerRow(layers: readonly CacheLayerSpec[]): number {
  return sum(layers.map(stateBytes));
}

const sum = (bytes: readonly number[]): number => bytes.reduce((n, more) => n + more, 0);

/** What one token takes in all layers. */
export function kvBytesPerToken(layers: readonly CacheLayerSpec[]): number {
  return sum(layers.flatMap(slotBytes));
}

/** What all slots, and all rows of states, of all layers take. */
export function kvCacheBytes(spec: KVCacheSpec): number {
  return sum(spec.layers.flatMap((layer) => layerBytes(spec, layer, 0)));
}

/** Whether one binding holds each buffer of each layer, with the slot more that is the sink of padded tokens. */
export function fitsBinding(spec: KVCacheSpec, maxBinding: number): boolean {
  return spec.layers.every((layer) => layerBytes(spec, layer, 1).every((bytes) => bytes <= maxBinding));
}

/** Of each of the layer's buffers. @param more slots than the group has */
function layerBytes({ groups, stateRows = 0 }: KVCacheSpec, layer: CacheLayerSpec, more: number): number[] {
  if (layer.kind === 'state') return [stateRows * stateBytes(layer)];
  return slotBytes(layer).map((bytes) => (groups[layer.group].slots + more) * bytes);
}
