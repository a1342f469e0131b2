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
      const bytes = layer.kvHeads * headBytes(layer.dtype, layer.headDim);
      return [bytes, bytes];
    }
    case 'latent':
      return [headBytes(layer.dtype, layer.rank + layer.ropeDim)];
    case 'state':
      return [];
    default:
      return layer satisfies never;
  }
}
