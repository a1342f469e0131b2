import type { AttendedLayerSpec } from '../ops.ts';

/** What attention sees of a layer's cache: keys `[slots, kvHeads, keyDim]`, and values that lie like them. */
export interface HeadShape {
  readonly kvHeads: number;
  readonly keyDim: number;
  /** Of a value: the first columns of a row of keyDim. */
  readonly valueDim: number;
}

/** Latents are one key head, and their own values. */
export function headShape(layer: AttendedLayerSpec): HeadShape {
  switch (layer.kind) {
    case 'kv':
      return { kvHeads: layer.kvHeads, keyDim: layer.headDim, valueDim: layer.headDim };
    case 'latent':
      return { kvHeads: 1, keyDim: layer.rank + layer.ropeDim, valueDim: layer.rank };
    default:
      return layer satisfies never;
  }
}
