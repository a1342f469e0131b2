import type { HostRows } from '../../tensor/matrix.ts';
import { f16Table } from '../../tensor/f16.ts';
import { dequantizeRows, sliceRows } from '../../tensor/rows.ts';
import type { Matrix } from '../ops.ts';
import type { QuantizedActivation } from '../quantize/quantize.reference.ts';
import { ACTIVATION_GROUP } from '../quantize/quantize.reference.ts';

/** A matrix kept as it was stored; rows are dequantized when they are needed. */
export interface ReferenceMatrix extends Matrix {
  readonly storage: HostRows;
  readonly groupSize: number;
}

/** Rows `start … start + count - 1` in f32. */
export function matrixRows(w: ReferenceMatrix, start: number, count: number): Float32Array {
  const rows = sliceRows(w.storage, start, count, w.cols, w.groupSize);
  return dequantizeRows(rows, count, w.cols, w.groupSize);
}

/** x `[T, K]` f32, w `[N, K]` → `y = x · wᵀ` `[T, N]` f32. */
export function matmulReference(x: Float32Array, w: ReferenceMatrix): Float32Array {
  const { rows, cols } = w;
  const tokens = x.length / cols;
  const y = new Float32Array(tokens * rows);
  const most = Math.max(1, Math.floor(AT_A_TIME / cols));
  for (let first = 0; first < rows; first += most) {
    const count = Math.min(most, rows - first);
    const values = matrixRows(w, first, count);
    for (let n = 0; n < count; n++) {
      for (let t = 0; t < tokens; t++) {
        let sum = 0;
        for (let k = 0; k < cols; k++) sum += x[t * cols + k] * values[n * cols + k];
        y[t * rows + first + n] = sum;
      }
    }
  }
  return y;
}

/** Weights that are dequantized at a time. */
const AT_A_TIME = 65536;

/**
 * x `[T, K]` q8, w `[N, K]` int8 or int4 → `[T, N]` f32. With w = scale_w · q_w + min_w and x = scale_x · q_x, over the
 * groups g of the weights (each lies inside one group of x):
 *   y = Σ_g scale_w · scale_x · Σ q_w·q_x  +  min_w · scale_x · Σ q_x
 * The inner sums are exact integers.
 */
export function matmulQuantizedReference(x: QuantizedActivation, w: ReferenceMatrix): Float32Array {
  const { rows, cols, groupSize, storage } = w;
  if ('data' in storage) throw new TypeError('matmulQuantizedReference needs an integer matrix');
  const { format, q, scale, min } = storage;
  const half = f16Table();
  const tokens = x.q.length / cols;
  const xGroups = Math.ceil(cols / ACTIVATION_GROUP);
  const y = new Float32Array(tokens * rows);
  for (let n = 0; n < rows; n++) {
    for (let t = 0; t < tokens; t++) {
      let sum = 0;
      for (let k0 = 0; k0 < cols; k0 += groupSize) {
        let dot = 0;
        let sumX = 0;
        for (let k = k0; k < k0 + groupSize; k++) {
          const i = n * cols + k;
          const qw = format === 'int8' ? q[i] : (q[i >> 1] >> (4 * (i & 1))) & 15;
          const qx = x.q[t * cols + k];
          dot += qw * qx;
          sumX += qx;
        }
        const g = (n * cols + k0) / groupSize;
        const scaleX = x.scale[t * xGroups + Math.floor(k0 / ACTIVATION_GROUP)];
        sum += half[scale[g]] * scaleX * dot + half[min[g]] * scaleX * sumX;
      }
      y[t * rows + n] = sum;
    }
  }
  return y;
}
