/**
 * Weights for real GPUs: row-major in storage buffers, in chunks of 8 columns, so that every format is read the same
 * way. Large matrices are bound in slices of whole rows, each below the adapter's binding limit.
 *
 * | format | a chunk in the buffer | decoded by `weightChunk` (chunk.*.wgsl) |
 * |---|---|---|
 * | f32 | 2 × vec4<f32> | as is |
 * | f16, bf16 | vec4<u32>, two columns a dword | widened |
 * | int8 | vec2<u32>, four columns a dword | unsigned codes |
 * | int4 | u32: byte j holds column j (low nibble) and column j + 4 (high) | unsigned codes |
 *
 * Integer formats have one u32 a group beside it: scale (low half) and min (high half) as f16.
 * Rows are padded with zeros to whole chunks.
 */
import { largestBinding } from '../../gpu/device.ts';
import { stagedBytes } from '../../gpu/upload.ts';
import type { HostRows, MatrixShape, MatrixSource, WeightFormat } from '../../tensor/matrix.ts';

export const CHUNK = 8;

/** Bytes of 8 columns. */
const chunkBytes: Record<WeightFormat, number> = { f32: 32, f16: 16, bf16: 16, int8: 8, int4: 4 };

export interface RowSlice {
  readonly firstRow: number;
  readonly rows: number;
  readonly data: GPUBuffer;
  /** Absent for float formats. */
  readonly scales: GPUBuffer | null;
}

export interface RowMatrix {
  readonly format: WeightFormat;
  readonly groupSize: number;
  readonly chunksPerRow: number;
  readonly slices: readonly RowSlice[];
}

/** Bytes read, packed and written at a time: small, since each piece becomes garbage that the process keeps for a while. */
const PIECE_BYTES = 256 << 10;

/** Its memory, in which nothing is written yet. `limit`: bytes of the largest binding. */
export function allocateRowMatrix(
  device: GPUDevice,
  { name, rows, cols, format, groupSize }: MatrixShape,
  limit = largestBinding(device),
): RowMatrix {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const create = (size: number) => device.createBuffer({ label: name, size: Math.ceil(size / 16) * 16, usage });
  const chunksPerRow = Math.ceil(cols / CHUNK);
  const rowBytes = chunksPerRow * chunkBytes[format];
  const groups = groupSize ? cols / groupSize : 0;
  const rowsPerSlice = Math.floor(limit / rowBytes);
  const slices: RowSlice[] = [];
  for (let firstRow = 0; firstRow < rows; firstRow += rowsPerSlice) {
    const count = Math.min(rowsPerSlice, rows - firstRow);
    const data = create(count * rowBytes);
    slices.push({ firstRow, rows: count, data, scales: groups ? create(count * groups * 4) : null });
  }
  return { format, groupSize, chunksPerRow, slices };
}

/** Gives it back. */
export function releaseRowMatrix({ slices }: RowMatrix): void {
  for (const { data, scales } of slices) {
    data.destroy();
    scales?.destroy();
  }
}

/** Streams a matrix into buffers, a few megabytes at a time. `limit`: bytes of the largest binding. */
export async function uploadRowMatrix(device: GPUDevice, source: MatrixSource, limit?: number): Promise<RowMatrix> {
  const matrix = allocateRowMatrix(device, source, limit);
  for (const slice of matrix.slices) await fill(device, source, matrix.chunksPerRow, slice);
  return matrix;
}

async function fill(
  device: GPUDevice,
  source: MatrixSource,
  chunksPerRow: number,
  { firstRow, rows, data, scales }: RowSlice,
): Promise<void> {
  const { cols, format, groupSize } = source;
  const rowBytes = chunksPerRow * chunkBytes[format];
  const groups = groupSize ? cols / groupSize : 0;
  const rowsAtOnce = Math.max(1, Math.floor(PIECE_BYTES / rowBytes));
  for (let row = 0; row < rows; row += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, rows - row);
    const host = source.readRows(firstRow + row, count);
    device.queue.writeBuffer(data, row * rowBytes, packRows(host, count, cols, rowBytes));
    if (scales) device.queue.writeBuffer(scales, row * groups * 4, packScales(host, count * groups));
    await stagedBytes(device, count * rowBytes);
  }
}

/** `count` rows of `rowBytes` each: padded, and int4 with its nibbles in chunk order. */
export function packRows(host: HostRows, count: number, cols: number, rowBytes: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(count * rowBytes);
  if (host.format === 'int4') {
    for (let i = 0; i < out.length; i += 4) packInt4Chunk(host.q, out, i);
    return out;
  }
  const bytes = 'q' in host ? host.q : host.data;
  const stored = (cols * chunkBytes[host.format]) / CHUNK;
  for (let r = 0; r < count; r++) out.set(bytes.subarray(r * stored, (r + 1) * stored), r * rowBytes);
  return out;
}

/** Stored bytes hold columns (0, 1), (2, 3), (4, 5), (6, 7); packed ones (0, 4), (1, 5), (2, 6), (3, 7). */
function packInt4Chunk(q: Uint8Array, out: Uint8Array, i: number): void {
  out[i] = (q[i] & 15) | ((q[i + 2] & 15) << 4);
  out[i + 1] = (q[i] >> 4) | (q[i + 2] & 0xf0);
  out[i + 2] = (q[i + 1] & 15) | ((q[i + 3] & 15) << 4);
  out[i + 3] = (q[i + 1] >> 4) | (q[i + 3] & 0xf0);
}

function packScales(host: HostRows, groups: number): Uint32Array<ArrayBuffer> {
  const out = new Uint32Array(groups);
  if ('scale' in host) for (let g = 0; g < groups; g++) out[g] = host.scale[g] | (host.min[g] << 16);
  return out;
}
