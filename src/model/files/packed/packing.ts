/** How the checkpoints of one quantizer hold linear layers. */
import type { SafetensorsTensor } from '../safetensors.ts';
import type { StoredTensor } from '../stored-tensor.ts';
import type { LayerParts } from './layer-parts.ts';

export interface Packing {
  /** What stands behind a layer's name in the part by which a packed layer is found (`.qweight`); null for all other tensors. */
  suffixOf(tensor: SafetensorsTensor): string | null;
  /**
   * The layer's weight [out, in], `NAME.weight`.
   *
   * @param tensor the part by which it was found
   * @throws EngineError model_not_readable for a part that is missing, mis-shaped or of another type
   */
  weight(tensor: SafetensorsTensor, parts: LayerParts): StoredTensor;
  /** Tensors that the weights do not depend on: scales that are for activations or for the KV cache. */
  readonly unused?: RegExp;
}
