/** `NAME.qweight`, `NAME.qzeros`, `NAME.scales` and `NAME.g_idx` of a checkpoint as the one tensor `NAME.weight`. */
import { notReadable } from '../model-file.ts';
import type { SafetensorsTensor } from '../safetensors.ts';
import type { StoredTensor } from '../stored-tensor.ts';
import { packedSource, type PackedTensor } from './packed-source.ts';
import type { Packing } from './quantization-config.ts';

const SUFFIX = '.qweight';

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
  const packed = [...tensors.keys()].find((name) => name.endsWith(SUFFIX));
  if (packed === undefined) return [...tensors.values()];
  throw notReadable(
    configPath,
    `quantization_config is missing, and tensor ${packed} is packed; older checkpoints have its keys in quantize_config.json or quant_config.json`,
  );
}

function packedTensors(tensors: ReadonlyMap<string, SafetensorsTensor>, packing: Packing): StoredTensor[] {
  const parts = new Set<string>();
  const packed = [...tensors.keys()]
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => packedTensor(tensors, name.slice(0, -SUFFIX.length), packing, parts));
  return [...[...tensors.values()].filter(({ name }) => !parts.has(name)), ...packed];
}

/** @param used gets the names of the parts */
function packedTensor(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  name: string,
  { layout, groupSize }: Packing,
  used: Set<string>,
): StoredTensor {
  const qweight = tensors.get(name + SUFFIX)!;
  const part = (suffix: string, shape: readonly number[]): SafetensorsTensor => {
    const tensor = tensors.get(`${name}.${suffix}`);
    if (!tensor) throw notReadable(qweight.file, `tensor ${name}.${suffix} is missing beside ${name}${SUFFIX}`);
    if (suffix !== 'scales' && tensor.dtype !== 'I32')
      throw notReadable(tensor.file, `tensor ${tensor.name} is ${tensor.dtype}; I32 is expected`);
    if (tensor.shape.length !== shape.length || !tensor.shape.every((d, i) => d === shape[i]))
      throw notReadable(
        tensor.file,
        `tensor ${tensor.name} is [${tensor.shape.join(', ')}]; bits ${layout.bits} and group_size ${groupSize ?? -1} ask for [${shape.join(', ')}]`,
      );
    used.add(tensor.name);
    return tensor;
  };
  const [first = 0, second = 0] = qweight.shape;
  const { rows, cols } = layout.matrixShape([first, second]);
  if (cols % 8 !== 0) throw notReadable(qweight.file, `tensor ${qweight.name} has ${cols} columns, no multiple of 8`);
  const groups = Math.ceil(cols / (groupSize ?? cols));
  const tensor: PackedTensor = {
    name: `${name}.weight`,
    layout,
    rows,
    cols,
    groupSize: groupSize ?? cols,
    qweight: part('qweight', [first, second]),
    qzeros: part('qzeros', [groups, (rows * layout.bits) / 32]),
    scales: part('scales', [groups, rows]),
    groupIndex: tensors.has(`${name}.g_idx`) ? part('g_idx', [cols]) : null,
  };
  const stored = [tensor.qweight, tensor.qzeros, tensor.scales, ...(tensor.groupIndex ? [tensor.groupIndex] : [])];
  return {
    name: tensor.name,
    shape: [rows, cols],
    dtype: layout.name,
    bytes: stored.reduce((n, { bytes }) => n + bytes, 0),
    file: qweight.file,
    source: () => packedSource(tensor),
  };
}
