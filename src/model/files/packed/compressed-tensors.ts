/**
 * compressed-tensors (llm-compressor): `pack-quantized` integers of four or eight bits, `int-quantized` int8, and
 * `float-quantized` E4M3. Which of them a layer is, and how its scales lie, is said by its tensors.
 * Source: compressed-tensors, compressors/pack_quantized and compressors/naive_quantized.
 */
import { notReadable } from '../model-file.ts';
import type { SafetensorsTensor } from '../safetensors.ts';
import type { StoredTensor } from '../stored-tensor.ts';
import { codedTensor } from './coded-layer.ts';
import type { LayerParts } from './layer-parts.ts';
import type { Packing } from './packing.ts';
import { columnGroups, scales, words } from './part-values.ts';
import { fp8Layer, int8Layer } from './row-codes.ts';
import { scaleGrid } from './scale-grid.ts';

const PACKED = '.weight_packed';

/** @param block rows and columns of a block where the strategy of weights is `block` */
export function compressedTensors(block: readonly [number, number] | null): Packing {
  return {
    suffixOf: ({ name, dtype }) => {
      if (name.endsWith(PACKED)) return PACKED;
      return (dtype === 'I8' || dtype === 'F8_E4M3') && name.endsWith('.weight') ? '.weight' : null;
    },
    weight: (weight, parts) => {
      if (weight.name.endsWith(PACKED)) return packedLayer(weight, parts);
      const scale = parts.take('.weight_scale');
      if (weight.dtype === 'F8_E4M3') return fp8Layer({ weight, scale, block }, parts);
      const { shape } = scale;
      const zeroPoint = parts.takeIfThere('.weight_zero_point', { dtypes: ['I8'], shape, why: 'scales' });
      return int8Layer({ weight, scale, zeroPoint, block }, parts);
    },
    unused: /\.(input|output|[qkv])_(scale|zero_point|global_scale)$/,
  };
}

/**
 * Codes are 2^(bits - 1) above the value. Words of `weight_packed` [out, in · bits / 32] hold consecutive columns of a row,
 * those of `weight_zero_point` [out · bits / 32, groups] consecutive rows, from the low bits up.
 */
function packedLayer(packed: SafetensorsTensor, parts: LayerParts): StoredTensor {
  parts.take(PACKED, { dtypes: ['I32'] });
  const [rows, cols] = weightShape(
    parts.take('.weight_shape', { dtypes: ['I64', 'I32'], shape: [2], why: 'matrices' }),
  );
  const [packedRows = 0, perRow = 0] = packed.shape;
  const bits = [4, 8].find((bits) => Math.ceil((cols * bits) / 32) === perRow) as 4 | 8 | undefined;
  if (bits === undefined || packedRows !== rows)
    throw notReadable(
      packed.file,
      `tensor ${packed.name} is [${packed.shape.join(', ')}], which holds a weight [${rows}, ${cols}] neither in 4 nor in 8 bits`,
    );
  const scale = parts.take('.weight_scale');
  const grid = scaleGrid(scale, { rows, cols }, null);
  const why = `${bits} bits and the scales`;
  const zeroShape = [Math.ceil((rows * bits) / 32), grid.groups.count];
  const zeroPoint = parts.takeIfThere('.weight_zero_point', { dtypes: ['I32'], shape: zeroShape, why });
  const index = parts.takeIfThere('.weight_g_idx', { dtypes: ['I32'], shape: [cols], why });
  const perWord = 32 / bits;
  const open = () => {
    const [factors, zeros] = [scales(scale), zeroPoint && words(zeroPoint)];
    return {
      codes: (start: number, count: number, q: Uint8Array) => {
        const bytes = packed.readBytes(start * perRow * 4, count * perRow * 4);
        const used = (cols * bits) / 8;
        for (let r = 0; r < count; r++) q.set(bytes.subarray(r * perRow * 4, r * perRow * 4 + used), r * used);
      },
      scale: (row: number, group: number) => factors[grid.at(row, group)],
      zero: (row: number, group: number) => {
        if (!zeros) return 1 << (bits - 1);
        const word = zeros[Math.floor(row / perWord) * grid.groups.count + group];
        return (word >>> ((row % perWord) * bits)) & ((1 << bits) - 1);
      },
    };
  };
  const groups = () => (index ? columnGroups(index, grid.groups.count) : grid.groups);
  return codedTensor({ dtype: `INT${bits}`, bits, rows, cols, values: null, groups, open }, parts, packed.file);
}

/** [out, in] of the layer; words that are padded do not say it. */
function weightShape(tensor: SafetensorsTensor): [number, number] {
  const { buffer } = tensor.readBytes();
  const [rows, cols] = tensor.dtype === 'I64' ? new BigInt64Array(buffer) : new Int32Array(buffer);
  return [Number(rows), Number(cols)];
}
