/** Rows of a packed linear layer, `w = scale · (code - zero)`, in the engine's formats. */
import { f16ToF32, f32ToF16 } from '../../../tensor/f16.ts';
import type { FloatRows, HostRows, MatrixSource, QuantizedRows } from '../../../tensor/matrix.ts';
import { nibble } from '../ggml-quants/block-format.ts';
import { notReadable } from '../model-file.ts';
import type { SafetensorsTensor } from '../safetensors.ts';
import { rowBuffer, widen } from '../sources.ts';
import { readVector } from '../stored-tensor.ts';
import type { PackedLayout } from './layout.ts';

export interface PackedTensor {
  readonly name: string;
  readonly layout: PackedLayout;
  /** Out features. */
  readonly rows: number;
  /** In features. */
  readonly cols: number;
  readonly groupSize: number;
  readonly qweight: SafetensorsTensor;
  readonly qzeros: SafetensorsTensor;
  /** [groups, rows] */
  readonly scales: SafetensorsTensor;
  /** [cols]: the group of each column; null where they are consecutive. */
  readonly groupIndex: SafetensorsTensor | null;
}

/** What rows are made from; columns lie apart in the file, so it is held whole as long as the source is. */
interface Parts {
  readonly weights: Uint32Array;
  readonly zeros: Uint32Array;
  readonly scales: Float32Array;
}

/**
 * Codes stay as they are in the engine's integer form where 16 or 32 consecutive columns share their scale. Where they do
 * not (act-order, in which columns of a group lie anywhere) the weights become f16, each rounded once.
 */
export function packedSource(tensor: PackedTensor): MatrixSource {
  const groupOf = columnGroups(tensor);
  const groupSize = [32, 16].find((size) => isInRuns(groupOf, size));
  const parts = lazy((): Parts => ({
    weights: words(tensor.qweight),
    zeros: words(tensor.qzeros),
    scales: readVector(tensor.scales),
  }));
  if (groupSize === undefined) return floatSource(tensor, groupOf, parts);
  const source = integerSource(tensor, groupOf, groupSize, parts);
  // The engine's int4 has groups of 32.
  return groupSize === 16 ? widen(source, 'int8', 16) : source;
}

function integerSource(
  tensor: PackedTensor,
  groupOf: Uint32Array,
  groupSize: number,
  parts: () => Parts,
): MatrixSource {
  const { name, layout, rows, cols } = tensor;
  const format = layout.bits === 4 ? 'int4' : 'int8';
  const output = rowBuffer(format, cols, groupSize);
  const perRow = cols / groupSize;
  const readRows = (start: number, count: number): HostRows => {
    const { weights, zeros, scales } = parts();
    const out = output(count) as QuantizedRows;
    layout.unpack(weights, tensor, start, count, out.q);
    for (let i = 0; i < count * perRow; i++) {
      const row = start + Math.floor(i / perRow);
      const group = groupOf[(i % perRow) * groupSize];
      out.scale[i] = f32ToF16(scales[group * rows + row]);
      out.min[i] = f32ToF16(-f16ToF32(out.scale[i]) * layout.zero(zeros, rows, group, row));
      refuseNonFinite(out.scale[i], tensor);
      refuseNonFinite(out.min[i], tensor);
    }
    return out;
  };
  return { name, rows, cols, format, groupSize, readRows };
}

function floatSource(tensor: PackedTensor, groupOf: Uint32Array, parts: () => Parts): MatrixSource {
  const { name, layout, rows, cols } = tensor;
  const output = rowBuffer('f16', cols, 0);
  const readRows = (start: number, count: number): HostRows => {
    const { weights, zeros, scales } = parts();
    const out = output(count) as FloatRows;
    const to = new Uint16Array(out.data.buffer as ArrayBuffer, out.data.byteOffset, count * cols);
    const q = new Uint8Array((count * cols * layout.bits) / 8);
    layout.unpack(weights, tensor, start, count, q);
    const groups = scales.length / rows;
    const zero = new Uint8Array(groups);
    for (let r = 0; r < count; r++) {
      const row = start + r;
      for (let group = 0; group < groups; group++) zero[group] = layout.zero(zeros, rows, group, row);
      for (let c = 0; c < cols; c++) {
        const group = groupOf[c];
        const i = r * cols + c;
        const code = layout.bits === 8 ? q[i] : nibble(q, 0, i);
        to[i] = f32ToF16(scales[group * rows + row] * (code - zero[group]));
        refuseNonFinite(to[i], tensor);
      }
    }
    return out;
  };
  return { name, rows, cols, format: 'f16', groupSize: 0, readRows };
}

function columnGroups({ cols, groupSize, groupIndex }: PackedTensor): Uint32Array {
  if (!groupIndex) return Uint32Array.from({ length: cols }, (_, column) => Math.floor(column / groupSize));
  const groups = words(groupIndex);
  const count = Math.ceil(cols / groupSize);
  const wrong = groups.find((group) => group >= count);
  if (wrong === undefined) return groups;
  throw notReadable(groupIndex.file, `tensor ${groupIndex.name} names group ${wrong | 0} of ${count}`);
}

function isInRuns(groupOf: Uint32Array, size: number): boolean {
  return groupOf.length % size === 0 && groupOf.every((group, column) => group === groupOf[column - (column % size)]);
}

function words(tensor: SafetensorsTensor): Uint32Array {
  const bytes = tensor.readBytes();
  return new Uint32Array(bytes.buffer, 0, bytes.length / 4);
}

function refuseNonFinite(bits: number, { scales }: PackedTensor): void {
  if ((bits & 0x7c00) === 0x7c00) throw notReadable(scales.file, `tensor ${scales.name}: a scale is not finite in f16`);
}

function lazy<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
