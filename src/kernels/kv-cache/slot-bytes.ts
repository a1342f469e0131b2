import type { CacheLayerSpec } from '../ops.ts';
import { headBytes } from './cache-format.ts';

/** Bytes of one slot in each of the layer's buffers: keys and values, or latents. */
export function slotBytes(layer: CacheLayerSpec): number[] {
  switch (layer.kind) {
    case 'kv': {
      const bytes = layer.kvHeads * headBytes(layer.dtype, layer.headDim);
      return [bytes, bytes];
    }
    case 'latent':
      return [headBytes(layer.dtype, layer.rank + layer.ropeDim)];
    default:
      return layer satisfies never;
  }
}
