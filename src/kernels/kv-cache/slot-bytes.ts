import type { CacheLayerSpec } from '../ops.ts';
import { headBytes } from './cache-format.ts';

/** Bytes of one row of the layer's states; 0 for a layer without. */
export function stateBytes(layer: CacheLayerSpec): number {
  return layer.kind === 'state' ? 4 * layer.floats : 0;
}

/** Bytes of one slot in each of the layer's buffers: keys and values, or latents. */
export function slotBytes(layer: CacheLayerSpec): number[] {
  switch (layer.kind) {
    case 'kv': {
      const { kvHeads, dtype, headDim } = layer;
      return [kvHeads * headBytes(dtype, 'keys', headDim), kvHeads * headBytes(dtype, 'values', headDim)];
    }
    case 'latent':
      return [headBytes(layer.dtype, 'keys', layer.rank + layer.ropeDim)];
    case 'state':
      return [];
    default:
      return layer satisfies never;
  }
}
