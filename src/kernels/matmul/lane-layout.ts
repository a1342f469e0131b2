/**
 * Weights for adapters without workgroup-memory hardware (lavapipe): one rgba32uint texture per matrix, texels in
 * exactly the order in which the kernel reads them. A read-only storage texture is 2–3.5x faster there than a storage
 * buffer (one routine for 8 lanes × 16 bytes instead of 32 scalar loads; measured 2026-11, docs/kernels.md).
 *
 * Rows come in blocks of 64, columns in blocks of 64, both padded with zeros. Lane l of the 8 lanes owns rows
 * 8·i + l of the block. A unit is what one lane reads at a stretch: one row for float formats, a pair of rows (A = 8
 * rows further up than B) for integer formats, so that one multiply serves both (see matmul.lavapipe.wgsl.ts).
 * Order: [row block][column block][unit][texel][lane].
 *
 * | format | unit | texels of a unit and column block |
 * |---|---|---|
 * | f32 | row | 16 × 4 columns |
 * | f16, bf16 | row | 8 × 8 columns |
 * | int8 | pair | 4 × 16 columns of A, 4 of B, then scales |
 * | int4 | pair | 4 × 16 columns: each dword 4 nibbles of A, 4 of B; then scales |
 *
 * A scale texel holds for two groups (A, B, A, B) scale and min as two f16 in a dword: one texel with groups of 32, two with 16.
 */
import type { HostRows, MatrixShape, WeightFormat } from '../../tensor/matrix.ts';

export const BLOCK_ROWS = 64;
export const BLOCK_COLS = 64;
export const LANES = 8;

export interface LaneLayout {
  readonly format: WeightFormat;
  readonly groupSize: number;
  /** Units of one row block: 8 rows or 4 pairs. */
  readonly units: number;
  /** Texels of one unit and column block, scales included. */
  readonly texelsPerUnit: number;
  /** Of one matrix; experts begin at a block each. */
  readonly rowBlocks: number;
  readonly colBlocks: number;
  /** Texels of one row block. */
  readonly texelsPerRowBlock: number;
}

export function laneLayout(matrix: Omit<MatrixShape, 'name'>): LaneLayout {
  const { format, groupSize } = matrix;
  const paired = format === 'int8' || format === 'int4';
  const data = { f32: 16, f16: 8, bf16: 8, int8: 8, int4: 4 }[format];
  const texelsPerUnit = data + (paired ? 32 / groupSize : 0);
  const units = paired ? 4 : 8;
  const colBlocks = Math.ceil(matrix.cols / BLOCK_COLS);
  return {
    format,
    groupSize,
    units,
    texelsPerUnit,
    rowBlocks: Math.ceil(matrix.rows / (matrix.experts ?? 1) / BLOCK_ROWS),
    colBlocks,
    texelsPerRowBlock: colBlocks * units * texelsPerUnit * LANES,
  };
}

/** Bits of one stored element. */
const elementBits = { f32: 32, f16: 16, bf16: 16, int8: 8, int4: 4 } as const;

/**
 * Packs `count` rows that begin at a row-block boundary; missing rows of the last block become zeros.
 * Returns whole row blocks of texels (4 dwords each).
 */
export function packLanes(layout: LaneLayout, rows: HostRows, count: number, cols: number): Uint32Array<ArrayBuffer> {
  const blocks = Math.ceil(count / BLOCK_ROWS);
  const out = new Uint32Array(blocks * layout.texelsPerRowBlock * 4);
  const source = new PaddedRows(layout, rows, count, cols);
  let at = 0;
  for (let block = 0; block < blocks; block++) {
    source.load(block * BLOCK_ROWS);
    for (let kb = 0; kb < layout.colBlocks; kb++) {
      for (let unit = 0; unit < layout.units; unit++) at = packUnit(layout, source, kb, unit, out, at);
    }
  }
  return out;
}

/** One row block's elements with zero padding to whole column blocks, viewed as dwords, and its scales. */
class PaddedRows {
  readonly dwordsPerRow: number;
  readonly groupsPerRow: number;
  readonly dwords: Uint32Array;
  readonly halves: Uint16Array;
  readonly scales: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #rows: HostRows;
  readonly #count: number;
  readonly #rowBytes: number;
  readonly #groups: number;

  constructor(layout: LaneLayout, rows: HostRows, count: number, cols: number) {
    const bits = elementBits[layout.format];
    const paddedCols = layout.colBlocks * BLOCK_COLS;
    this.dwordsPerRow = (paddedCols * bits) / 32;
    this.groupsPerRow = layout.groupSize ? paddedCols / layout.groupSize : 0;
    this.dwords = new Uint32Array(BLOCK_ROWS * this.dwordsPerRow);
    this.halves = new Uint16Array(this.dwords.buffer);
    this.#bytes = new Uint8Array(this.dwords.buffer);
    this.scales = new Uint32Array(BLOCK_ROWS * this.groupsPerRow);
    this.#rows = rows;
    this.#count = count;
    this.#rowBytes = (cols * bits) / 8;
    this.#groups = layout.groupSize ? cols / layout.groupSize : 0;
  }

  load(firstRow: number): void {
    const data = 'q' in this.#rows ? this.#rows.q : this.#rows.data;
    for (let r = 0; r < BLOCK_ROWS; r++) {
      const row = firstRow + r;
      const at = r * this.dwordsPerRow * 4;
      if (row >= this.#count) this.#bytes.fill(0, at, at + this.dwordsPerRow * 4);
      else this.#bytes.set(data.subarray(row * this.#rowBytes, (row + 1) * this.#rowBytes), at);
      for (let g = 0; g < this.#groups; g++) this.scales[r * this.groupsPerRow + g] = this.#scale(row, g);
    }
  }

  #scale(row: number, group: number): number {
    if (row >= this.#count || !('scale' in this.#rows)) return 0;
    const i = row * this.#groups + group;
    return this.#rows.scale[i] | (this.#rows.min[i] << 16);
  }
}

/** Writes one unit of one column block at dword `at` of `out`; returns where the next one begins. */
function packUnit(
  layout: LaneLayout,
  source: PaddedRows,
  kb: number,
  unit: number,
  out: Uint32Array,
  at: number,
): number {
  const { format, texelsPerUnit } = layout;
  const perRow = source.dwordsPerRow / layout.colBlocks;
  const paired = format === 'int8' || format === 'int4';
  for (let lane = 0; lane < LANES; lane++) {
    const a = unit * (paired ? 16 : 8) + lane;
    const fromA = a * source.dwordsPerRow + kb * perRow;
    const fromB = fromA + 8 * source.dwordsPerRow;
    const to = at + lane * 4;
    if (format === 'int4') packNibbles(source.halves, fromA * 2, fromB * 2, out, to);
    else packDwords(source.dwords, fromA, perRow, out, to);
    if (format === 'int8') packDwords(source.dwords, fromB, perRow, out, to + perRow * LANES);
    if (paired) packScales(layout, source, kb, a, out, to);
  }
  return at + texelsPerUnit * LANES * 4;
}

/** `count` dwords of a row into one lane's texels. */
function packDwords(dwords: Uint32Array, from: number, count: number, out: Uint32Array, to: number): void {
  for (let i = 0; i < count; i += 4, to += LANES * 4) {
    out[to] = dwords[from + i];
    out[to + 1] = dwords[from + i + 1];
    out[to + 2] = dwords[from + i + 2];
    out[to + 3] = dwords[from + i + 3];
  }
}

/** Four 4-bit columns are 16 bits of a stored row, in column order from the low nibble up: A's below B's in each dword. */
function packNibbles(halves: Uint16Array, fromA: number, fromB: number, out: Uint32Array, to: number): void {
  for (let i = 0; i < 16; i += 4, to += LANES * 4) {
    for (let c = i; c < i + 4; c++) out[to + c - i] = halves[fromA + c] | (halves[fromB + c] << 16);
  }
}

function packScales(layout: LaneLayout, source: PaddedRows, kb: number, a: number, out: Uint32Array, to: number): void {
  const groups = BLOCK_COLS / layout.groupSize;
  const fromA = a * source.groupsPerRow + kb * groups;
  const fromB = fromA + 8 * source.groupsPerRow;
  const first = layout.texelsPerUnit - groups / 2;
  for (let g = 0; g < groups; g++) {
    const at = to + (first + (g >> 1)) * LANES * 4 + (g & 1) * 2;
    out[at] = source.scales[fromA + g];
    out[at + 1] = source.scales[fromB + g];
  }
}
