/** The parts of each packed layer of a checkpoint (`NAME.qweight`, `NAME.scales`, …) as the one tensor `NAME.weight`. */
import { notReadable } from '../model-file.ts';
import type { SafetensorsTensor } from '../safetensors.ts';
import type { StoredTensor } from '../stored-tensor.ts';
import { LayerParts } from './layer-parts.ts';
import type { Packing } from './packing.ts';

/** Ends of names that only packed layers have. */
const packedSuffix =
  /(\.(qweight|weight_packed|weight_scale_inv|SCB|quant_state\.bitsandbytes__\w+|_weight_qdata)|_proj_blocks)$/;

/**
 * @param packing null where config.json says nothing of it
 * @param configPath where it should
 * @throws EngineError model_not_readable for a part that is missing, mis-shaped or of another type
 */
export function unpackedTensors(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  packing: Packing | null,
  configPath: string,
): StoredTensor[] {
  if (packing) return packedTensors(tensors, packing);
  const packed = [...tensors.keys()].find((name) => packedSuffix.test(name));
  if (packed === undefined) return [...tensors.values()];
  throw notReadable(
    configPath,
    `quantization_config is missing, and tensor ${packed} is packed; older checkpoints have its keys in quantize_config.json or quant_config.json`,
  );
}

function packedTensors(tensors: ReadonlyMap<string, SafetensorsTensor>, packing: Packing): StoredTensor[] {
  const parts = new Set<string>();
  const packed = [...tensors.values()].flatMap((tensor) => {
    const suffix = packing.suffixOf(tensor);
    if (suffix === null) return [];
    const layer = new LayerParts(tensors, tensor, suffix);
    const weight = packing.weight(tensor, layer);
    for (const name of layer.taken) parts.add(name);
    return [weight];
  });
  const rest = [...tensors.values()].filter(({ name }) => !parts.has(name) && packing.unused?.test(name) !== true);
  return [...rest, ...packed];
}
