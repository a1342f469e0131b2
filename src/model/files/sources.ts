/**
 * Matrix sources made of other matrix sources: stacked, reordered, widened. All of it is exact, works on a few rows at a
 * time, and (as MatrixSource allows) reuses its output buffer.
 */
import type { FloatRows, HostRows, MatrixSource, WeightFormat } from '../../tensor/matrix.ts';
import { dequantizeRows, readAllRows } from '../../tensor/rows.ts';

/** Parts with the same columns, one below the other: [q; k; v], [gate; up]. Their formats are joined by `joinFormat`. */
export function stackRows(name: string, parts: readonly MatrixSource[]): MatrixSource {
  const { format, groupSize } = joinFormat(parts);
  const cols = parts[0].cols;
  const widened = parts.map((part) => widen(part, format, groupSize));
  const starts = parts.map((_, i) => parts.slice(0, i).reduce((n, part) => n + part.rows, 0));
  const rows = parts.reduce((n, part) => n + part.rows, 0);
  const output = rowBuffer(format, cols, groupSize);
  const readRows = (start: number, count: number): HostRows => {
    const whole = starts.findIndex((from, i) => start >= from && start + count <= from + parts[i].rows);
    if (whole >= 0) return widened[whole].readRows(start - starts[whole], count);
    const out = output(count);
    widened.forEach((part, i) => {
      const first = Math.max(start, starts[i]);
      const last = Math.min(start + count, starts[i] + part.rows);
      if (first >= last) return;
      copyRows(part.readRows(first - starts[i], last - first), 0, out, first - start, last - first, cols, groupSize);
    });
    return out;
  };
  return { name, rows, cols, format, groupSize, readRows };
}

/**
 * The narrowest format that holds all parts exactly: the common one if they agree; among integers int8 as soon as one is
 * int8, with the smaller group; anything else is f32.
 */
export function joinFormat(parts: readonly Pick<MatrixSource, 'format' | 'groupSize'>[]): {
  format: WeightFormat;
  groupSize: number;
} {
  const formats = new Set(parts.map((part) => part.format));
  const groupSize = Math.min(...parts.map((part) => part.groupSize));
  if (formats.size === 1) return { format: parts[0].format, groupSize };
  const integers = [...formats].every((format) => format === 'int8' || format === 'int4');
  return integers ? { format: 'int8', groupSize } : { format: 'f32', groupSize: 0 };
}

/** The same values in a wider format: int4 → int8, groups split by repeating their scale, anything → f32. */
export function widen(source: MatrixSource, format: WeightFormat, groupSize: number): MatrixSource {
  if (source.format === format && source.groupSize === groupSize) return source;
  const { name, cols } = source;
  const output = rowBuffer(format, cols, groupSize);
  const readRows = (start: number, count: number): HostRows => {
    const from = source.readRows(start, count);
    if (format === 'f32') return f32Rows(dequantizeRows(from, count, cols, source.groupSize));
    const to = output(count);
    if ('data' in from || 'data' in to) throw new Error(`${name}: no exact way from ${source.format} to ${format}`);
    if (from.format === to.format) to.q.set(from.q);
    else spreadNibbles(from.q, to.q);
    repeat(from.scale, to.scale, source.groupSize / groupSize);
    repeat(from.min, to.min, source.groupSize / groupSize);
    return to;
  };
  return { ...source, format, groupSize, readRows };
}

/**
 * Undoes the row order of llama.cpp's converter for interleaved rotation: within each head, its row 2i + j is row
 * i + j·D/2 of the Hugging Face order (D = rows / heads).
 */
export function unpermuteHeads(source: MatrixSource, heads: number): MatrixSource {
  const { rows, cols, format, groupSize } = source;
  const headDim = rows / heads;
  const half = headDim / 2;
  const output = rowBuffer(format, cols, groupSize);
  // Whole heads are read, one at a time: their rows are wanted in an order that is local to them.
  let held = { head: -1, rows: output(0) };
  const readRows = (start: number, count: number): HostRows => {
    const out = output(count);
    for (let head = Math.floor(start / headDim); head * headDim < start + count; head++) {
      if (held.head !== head) held = { head, rows: source.readRows(head * headDim, headDim) };
      for (let row = 0; row < headDim; row++) {
        const to = head * headDim + row - start;
        if (to < 0 || to >= count) continue;
        copyRows(held.rows, 2 * (row % half) + Math.floor(row / half), out, to, 1, cols, groupSize);
      }
    }
    return out;
  };
  return { ...source, readRows };
}

/** A matrix of floats with rows and columns exchanged; it is held whole as long as the source is. */
export function transposed(source: MatrixSource): MatrixSource {
  const { name, format, groupSize } = source;
  if (format === 'int8' || format === 'int4') throw new Error(`${name}: integer weights cannot be transposed`);
  const [rows, cols] = [source.cols, source.rows];
  const output = rowBuffer(format, cols, groupSize);
  let held: Uint32Array | Uint16Array | null = null;
  const readRows = (start: number, count: number): HostRows => {
    if (!held) {
      const all = readAllRows(source) as FloatRows;
      held = elements(all, rows * cols);
    }
    const out = output(count) as FloatRows;
    const to = elements(out, count * cols);
    for (let r = 0; r < count; r++) for (let c = 0; c < cols; c++) to[r * cols + c] = held[c * rows + start + r];
    return out;
  };
  return { name, rows, cols, format, groupSize, readRows };
}

/** Matrices of the same shape, one below the other, each transposed: floats, and integers expanded to f32. */
export function transposedEach(source: MatrixSource, heads: number): MatrixSource {
  const floats = source.groupSize === 0 ? source : widen(source, 'f32', 0);
  const rows = source.rows / heads;
  const each = Array.from({ length: heads }, (_, head) => {
    const readRows = (start: number, count: number) => floats.readRows(head * rows + start, count);
    return transposed({ ...floats, rows, readRows });
  });
  return stackRows(source.name, each);
}

/** The bits of n floats. */
function elements({ format, data }: FloatRows, n: number): Uint32Array | Uint16Array {
  const buffer = data.buffer as ArrayBuffer;
  return format === 'f32' ? new Uint32Array(buffer, data.byteOffset, n) : new Uint16Array(buffer, data.byteOffset, n);
}

/** A vector (one row of floats) as a column, so that its elements can be treated as rows. */
export function asColumn(vector: MatrixSource): MatrixSource {
  const readRows = (start: number, count: number): HostRows => {
    const values = dequantizeRows(vector.readRows(0, 1), 1, vector.cols, vector.groupSize);
    return f32Rows(values.slice(start, start + count));
  };
  return { ...vector, rows: vector.cols, cols: 1, format: 'f32', groupSize: 0, readRows };
}

export function f32Rows(values: Float32Array): FloatRows {
  return { format: 'f32', data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

/** Bytes or elements a row takes in each array of HostRows. */
function perRow(format: WeightFormat, cols: number, groupSize: number): { data: number; scales: number } {
  switch (format) {
    case 'f32':
      return { data: cols * 4, scales: 0 };
    case 'f16':
    case 'bf16':
      return { data: cols * 2, scales: 0 };
    case 'int8':
      return { data: cols, scales: cols / groupSize };
    case 'int4':
      return { data: cols / 2, scales: cols / groupSize };
    default:
      return format satisfies never;
  }
}

/** Gives out room for `count` rows, the same memory as long as it suffices. */
export function rowBuffer(format: WeightFormat, cols: number, groupSize: number): (count: number) => HostRows {
  const { data, scales } = perRow(format, cols, groupSize);
  let capacity = 0;
  let bytes = new Uint8Array(0);
  let scale = new Uint16Array(0);
  let min = new Uint16Array(0);
  return (count) => {
    if (count > capacity) {
      capacity = count;
      bytes = new Uint8Array(count * data);
      scale = new Uint16Array(count * scales);
      min = new Uint16Array(count * scales);
    }
    const body = bytes.subarray(0, count * data);
    if (format !== 'int8' && format !== 'int4') return { format, data: body };
    return { format, q: body, scale: scale.subarray(0, count * scales), min: min.subarray(0, count * scales) };
  };
}

export function copyRows(
  from: HostRows,
  fromRow: number,
  to: HostRows,
  toRow: number,
  count: number,
  cols: number,
  groupSize: number,
): void {
  const { data, scales } = perRow(from.format, cols, groupSize);
  const copy = <A extends Uint8Array | Uint16Array>(source: A, target: A, width: number) =>
    target.set(source.subarray(fromRow * width, (fromRow + count) * width), toRow * width);
  if ('data' in from && 'data' in to) copy(from.data, to.data, data);
  else if ('q' in from && 'q' in to) {
    copy(from.q, to.q, data);
    copy(from.scale, to.scale, scales);
    copy(from.min, to.min, scales);
  }
}

function spreadNibbles(from: Uint8Array, to: Uint8Array): void {
  for (let i = 0; i < from.length; i++) {
    to[2 * i] = from[i] & 15;
    to[2 * i + 1] = from[i] >> 4;
  }
}

function repeat(from: Uint16Array, to: Uint16Array, times: number): void {
  if (times === 1) to.set(from);
  else for (let i = 0; i < to.length; i++) to[i] = from[Math.floor(i / times)];
}
