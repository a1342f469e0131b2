/** Rows of a packed linear layer, `w = scale · (value(code) - zero)`, in the engine's formats. */
import { f16ToF32, f32ToF16 } from '../../../tensor/f16.ts';
import type { FloatRows, HostRows, MatrixSource, QuantizedRows } from '../../../tensor/matrix.ts';
import { nibble } from '../ggml-quants/block-format.ts';
import { notReadable } from '../model-file.ts';
import { rowBuffer, widen } from '../sources.ts';
import type { StoredTensor } from '../stored-tensor.ts';
import type { LayerParts } from './layer-parts.ts';

export interface CodedLayer {
  /** As `inspect` shows it. */
  readonly dtype: string;
  readonly bits: 4 | 8;
  /** Out features. */
  readonly rows: number;
  /** In features. */
  readonly cols: number;
  /** What codes stand for; null for themselves, unsigned. */
  readonly values: Float32Array | null;
  /** The group of each column, of which a row's share a scale and a zero. */
  groups(): ColumnGroups;
  /** Called where the first rows are read; what it holds is gone with the source. */
  open(): OpenLayer;
}

export interface ColumnGroups {
  readonly count: number;
  /** [cols] */
  readonly of: Uint32Array;
}

export interface OpenLayer {
  /**
   * Codes of rows `start … start + count - 1` as in QuantizedRows: [count, cols], of four bits two a byte.
   *
   * @param q begins where a word may
   */
  codes(start: number, count: number, q: Uint8Array): void;
  scale(row: number, group: number): number;
  zero(row: number, group: number): number;
}

/** @throws EngineError model_not_readable where columns are no multiple of eight */
export function codedTensor(layer: CodedLayer, parts: LayerParts, file: string): StoredTensor {
  const name = `${parts.name}.weight`;
  const { rows, cols, dtype } = layer;
  if (cols % 8 !== 0) throw notReadable(file, `tensor ${name} has ${cols} columns, no multiple of 8`);
  const refuse = () => {
    throw notReadable(file, `tensor ${name}: a weight or its scale is not finite in f16`);
  };
  return { name, shape: [rows, cols], dtype, bytes: parts.bytes, file, source: () => codedSource(name, layer, refuse) };
}

/** Groups of consecutive columns, the last one with what is left. */
export function consecutive(cols: number, groupSize: number): ColumnGroups {
  const of = Uint32Array.from({ length: cols }, (_, column) => Math.floor(column / groupSize));
  return { count: Math.ceil(cols / groupSize), of };
}

/**
 * Codes stay as they are in the engine's integer form where they are numbers and 16 or 32 consecutive columns share their
 * scale. Where they do not (act-order, in which columns of a group lie anywhere), and where codes stand for values, weights
 * become f16, each rounded once.
 */
function codedSource(name: string, layer: CodedLayer, refuse: () => never): MatrixSource {
  const groups = layer.groups();
  const groupSize = layer.values ? undefined : [32, 16].find((size) => isInRuns(groups.of, size));
  const open = lazy(() => layer.open());
  if (groupSize === undefined) return floatSource(name, layer, groups, open, refuse);
  const source = integerSource(name, layer, groups.of, groupSize, open, refuse);
  // The engine's int4 has groups of 32.
  return groupSize === 16 ? widen(source, 'int8', 16) : source;
}

function integerSource(
  name: string,
  { bits, rows, cols }: CodedLayer,
  groupOf: Uint32Array,
  groupSize: number,
  open: () => OpenLayer,
  refuse: () => never,
): MatrixSource {
  const format = bits === 4 ? 'int4' : 'int8';
  const output = rowBuffer(format, cols, groupSize);
  const perRow = cols / groupSize;
  const readRows = (start: number, count: number): HostRows => {
    const layer = open();
    const out = output(count) as QuantizedRows;
    layer.codes(start, count, out.q);
    for (let i = 0; i < count * perRow; i++) {
      const row = start + Math.floor(i / perRow);
      const group = groupOf[(i % perRow) * groupSize];
      out.scale[i] = f32ToF16(layer.scale(row, group));
      out.min[i] = f32ToF16(-f16ToF32(out.scale[i]) * layer.zero(row, group));
      if (!isFinite16(out.scale[i]) || !isFinite16(out.min[i])) refuse();
    }
    return out;
  };
  return { name, rows, cols, format, groupSize, readRows };
}

function floatSource(
  name: string,
  { bits, rows, cols, values }: CodedLayer,
  groups: ColumnGroups,
  open: () => OpenLayer,
  refuse: () => never,
): MatrixSource {
  const output = rowBuffer('f16', cols, 0);
  const scale = new Float64Array(groups.count);
  const zero = new Float64Array(groups.count);
  const readRows = (start: number, count: number): HostRows => {
    const layer = open();
    const out = output(count) as FloatRows;
    const to = new Uint16Array(out.data.buffer as ArrayBuffer, out.data.byteOffset, count * cols);
    const q = new Uint8Array((count * cols * bits) / 8);
    layer.codes(start, count, q);
    for (let r = 0; r < count; r++) {
      for (let group = 0; group < groups.count; group++) {
        scale[group] = layer.scale(start + r, group);
        zero[group] = layer.zero(start + r, group);
      }
      for (let c = 0; c < cols; c++) {
        const group = groups.of[c];
        const i = r * cols + c;
        const code = bits === 8 ? q[i] : nibble(q, 0, i);
        to[i] = f32ToF16(scale[group] * ((values ? values[code] : code) - zero[group]));
        if (!isFinite16(to[i])) refuse();
      }
    }
    return out;
  };
  return { name, rows, cols, format: 'f16', groupSize: 0, readRows };
}

function isInRuns(groupOf: Uint32Array, size: number): boolean {
  return groupOf.length % size === 0 && groupOf.every((group, column) => group === groupOf[column - (column % size)]);
}

function isFinite16(bits: number): boolean {
  return (bits & 0x7c00) !== 0x7c00;
}

function lazy<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
