/** Step batches for kernel tests. */
import type { KVCache, KVCacheSpec, KVLayer, KVLayerSpec, StepBatch } from '../../src/kernels/ops.ts';

/** A cache for ops that need a step but no context. */
export const smallCache = oneLayerCache({
  slots: 64,
  kvHeads: 1,
  headDim: 8,
  dtype: 'f32',
  maxRequests: 4,
  maxLength: 64,
});

type OneLayer = Omit<KVLayerSpec, 'group' | 'kind'> &
  Omit<KVCacheSpec, 'layers' | 'groups'> & { readonly slots: number };

/** One layer, one slot group. */
export function oneLayerCache({ slots, maxRequests, maxLength, ...layer }: OneLayer): KVCacheSpec {
  return { layers: [{ kind: 'kv', ...layer, group: 0 }], groups: [{ slots, window: null }], maxRequests, maxLength };
}

/** The only layer, of keys and values. */
export function kvLayerOf({ layers: [layer] }: KVCache): KVLayer {
  if (layer.kind !== 'kv') throw new Error(`a layer of kind ${layer.kind}`);
  return layer;
}

/** T tokens of row 0 at positions and slots 0 … T-1, no logits wanted. */
export function emptyBatch(tokens: number): StepBatch {
  const count = Uint32Array.from({ length: tokens }, (_, i) => i);
  return {
    tokenIds: new Uint32Array(tokens),
    positions: count,
    tableRows: new Uint32Array(tokens),
    slots: [count],
    logitIndices: new Uint32Array(0),
  };
}
