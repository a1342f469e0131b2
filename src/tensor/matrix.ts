/** Weight matrices on the host side: what model files are decoded to, and what a backend's `uploadMatrix` takes. */

/** Stored weight formats. Integer formats are affine per group: `w = scale * q + min`, q unsigned. */
export type WeightFormat = 'f32' | 'f16' | 'bf16' | 'int8' | 'int4';

/** Rows of a float matrix: `data` holds rows × cols little-endian elements, row-major. */
export interface FloatRows {
  readonly format: 'f32' | 'f16' | 'bf16';
  readonly data: Uint8Array;
}

/**
 * Rows of a group-quantized matrix, row-major. int8: one unsigned byte an element; int4: two elements a byte, the
 * even column in the low nibble. `scale` and `min` are f16 bits `[rows, cols / groupSize]`.
 * Q4_0 is `min = -8·scale`, Q8_0 (bytes biased by 128) is `min = -128·scale`; both are exact in f16.
 */
export interface QuantizedRows {
  readonly format: 'int8' | 'int4';
  readonly q: Uint8Array;
  readonly scale: Uint16Array;
  readonly min: Uint16Array;
}

export type HostRows = FloatRows | QuantizedRows;

/** A weight matrix `[rows, cols]` (out features, in features) without its values. */
export interface MatrixShape {
  readonly name: string;
  readonly rows: number;
  readonly cols: number;
  readonly format: WeightFormat;
  /** Columns that share one scale: 16 or 32 for integer formats, 0 for floats. `cols` is a multiple of it. */
  readonly groupSize: number;
  /** How many matrices of the same shape these are, one below the other (ops.ts); absent: one. */
  readonly experts?: number;
}

/** A matrix that can be read a few rows at a time, so that host memory stays bounded. */
export interface MatrixSource extends MatrixShape {
  /** Rows `start … start + count - 1`. The result may be overwritten by the next call. */
  readRows(start: number, count: number): HostRows;
}

/** Bytes that a matrix of this format takes as stored rows (no padding). */
export function matrixBytes(source: Omit<MatrixShape, 'name'>): number {
  const n = source.rows * source.cols;
  switch (source.format) {
    case 'f32':
      return n * 4;
    case 'f16':
    case 'bf16':
      return n * 2;
    case 'int8':
      return n + (n / source.groupSize) * 4;
    case 'int4':
      return n / 2 + (n / source.groupSize) * 4;
    default:
      return source.format satisfies never;
  }
}
