/** Weight rows in host memory: slicing, dequantizing, and a matrix source over rows that are all there. */
import { bf16ToF32, f16Table } from './f16.ts';
import type { HostRows, MatrixSource } from './matrix.ts';
import { matrixBytes } from './matrix.ts';

/** Rows `start … start + count - 1` as views of the same memory. `groupSize` is ignored for floats. */
export function sliceRows(host: HostRows, start: number, count: number, cols: number, groupSize: number): HostRows {
  const slice = <A extends Uint8Array | Uint16Array>(array: A, perRow: number): A =>
    array.subarray(start * perRow, (start + count) * perRow) as A;
  if ('data' in host) return { format: host.format, data: slice(host.data, cols * floatBytes[host.format]) };
  return {
    format: host.format,
    q: slice(host.q, host.format === 'int8' ? cols : cols / 2),
    scale: slice(host.scale, cols / groupSize),
    min: slice(host.min, cols / groupSize),
  };
}

const floatBytes = { f32: 4, f16: 2, bf16: 2 } as const;

/** The values of `rows × cols` stored weights, row-major: floats widened, integers as `scale · q + min`. */
export function dequantizeRows(host: HostRows, rows: number, cols: number, groupSize: number): Float32Array {
  const n = rows * cols;
  switch (host.format) {
    case 'f32': {
      const bytes = host.data.slice(0, n * 4); // a copy: the source need not be aligned
      return new Float32Array(bytes.buffer, 0, n);
    }
    // Loops: Float32Array.from with a function takes ten times as long.
    case 'f16': {
      const table = f16Table();
      const words = halfWords(host.data, n);
      const out = new Float32Array(n);
      for (let i = 0; i < n; i++) out[i] = table[words[i]];
      return out;
    }
    case 'bf16': {
      const words = halfWords(host.data, n);
      const out = new Float32Array(n);
      for (let i = 0; i < n; i++) out[i] = bf16ToF32(words[i]);
      return out;
    }
    case 'int8':
    case 'int4': {
      const { format, q, scale, min } = host;
      const table = f16Table();
      const out = new Float32Array(n);
      for (let i = 0; i < n; i++) {
        const code = format === 'int8' ? q[i] : (q[i >> 1] >> (4 * (i & 1))) & 15;
        const group = Math.floor(i / groupSize);
        out[i] = table[scale[group]] * code + table[min[group]];
      }
      return out;
    }
    default:
      return host satisfies never;
  }
}

/** `n` little-endian 16-bit words, whatever the alignment of `data`. */
function halfWords(data: Uint8Array, n: number): Uint16Array {
  if (data.byteOffset % 2 === 0) return new Uint16Array(data.buffer, data.byteOffset, n);
  return new Uint16Array(data.slice(0, n * 2).buffer, 0, n);
}

/** A matrix whose rows are all in memory. */
export function matrixFromRows(
  name: string,
  rows: number,
  cols: number,
  host: HostRows,
  groupSize: number,
): MatrixSource {
  return {
    name,
    rows,
    cols,
    format: host.format,
    groupSize,
    readRows: (start, count) => sliceRows(host, start, count, cols, groupSize),
  };
}

/** Every row of a source in one piece. */
export function readAllRows(source: MatrixSource): HostRows {
  const { rows, cols, groupSize } = source;
  const all = emptyRows(source);
  for (let start = 0; start < rows; start += READ_ROWS) {
    const count = Math.min(READ_ROWS, rows - start);
    const from = sliceRows(source.readRows(start, count), 0, count, cols, groupSize);
    const to = sliceRows(all, start, count, cols, groupSize);
    if ('data' in to && 'data' in from) to.data.set(from.data);
    if ('q' in to && 'q' in from) {
      to.q.set(from.q);
      to.scale.set(from.scale);
      to.min.set(from.min);
    }
  }
  return all;
}

const READ_ROWS = 256;

function emptyRows(source: MatrixSource): HostRows {
  const { rows, cols, format, groupSize } = source;
  if (format !== 'int8' && format !== 'int4') return { format, data: new Uint8Array(matrixBytes(source)) };
  const groups = (rows * cols) / groupSize;
  const q = new Uint8Array(format === 'int8' ? rows * cols : (rows * cols) / 2);
  return { format, q, scale: new Uint16Array(groups), min: new Uint16Array(groups) };
}
