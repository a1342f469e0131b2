import type { CacheLayerSpec } from '../ops.ts';

const elementBytes = { f16: 2, f32: 4 } as const;

/** Bytes of one slot in each of the layer's buffers: keys and values, or latents. */
export function slotBytes(layer: CacheLayerSpec): number[] {
  const element = elementBytes[layer.dtype];
  switch (layer.kind) {
    case 'kv': {
      const bytes = layer.kvHeads * layer.headDim * element;
      return [bytes, bytes];
    }
    case 'latent':
      return [(layer.rank + layer.ropeDim) * element];
    default:
      return layer satisfies never;
  }
}
