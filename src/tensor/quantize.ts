/**
 * Load-time weight quantization (`--quant int8|int4`): groups of 32 columns, affine, `w ≈ scale · q + min` with scale
 * and min in f16 and q in 0 … 255 or 0 … 15.
 *
 * The start is the group's own range: min rounded down and scale rounded up to f16, so nothing is clipped and every
 * element is within scale / 2. int4 then tries a few narrower ranges, refits scale and min by least squares to the
 * codes of each, and keeps the candidate with the smallest squared error: the group's squared error is never above
 * that of its plain range.
 */
import { EngineError } from '../errors.ts';
import { f16Table, f32ToF16 } from './f16.ts';
import type { MatrixSource, QuantizedRows } from './matrix.ts';
import { dequantizeRows } from './rows.ts';

export const WEIGHT_GROUP = 32;

/** int4 candidates: the code range is stretched to 15 + this many steps, clipping the outermost values. */
const STRETCHES = [0.5, 1.5];

interface Affine {
  scale: number;
  min: number;
}

/** values `[rows, cols]` row-major, cols a multiple of 32 → quantized rows (group size 32). */
export function quantizeRows(values: Float32Array, rows: number, cols: number, format: 'int8' | 'int4'): QuantizedRows {
  const groups = (rows * cols) / WEIGHT_GROUP;
  const q = new Uint8Array(format === 'int8' ? rows * cols : (rows * cols) / 2);
  const scale = new Uint16Array(groups);
  const min = new Uint16Array(groups);
  const codes = new Uint8Array(WEIGHT_GROUP);
  for (let g = 0; g < groups; g++) {
    const group = values.subarray(g * WEIGHT_GROUP, (g + 1) * WEIGHT_GROUP);
    const affine = format === 'int8' ? fitRange(group, 255) : fitSearch(group, 15, codes);
    encode(group, affine, format === 'int8' ? 255 : 15, codes);
    scale[g] = f32ToF16(affine.scale);
    min[g] = f32ToF16(affine.min);
    if (format === 'int8') q.set(codes, g * WEIGHT_GROUP);
    else for (let i = 0; i < 16; i++) q[g * 16 + i] = codes[2 * i] | (codes[2 * i + 1] << 4);
  }
  return { format, q, scale, min };
}

/** A source that quantizes the rows of another as they are read. Sources that already are integers stay as they are. */
export function quantizedSource(source: MatrixSource, format: 'int8' | 'int4'): MatrixSource {
  if (source.format === 'int8' || source.format === 'int4') return source;
  const { name, rows, cols } = source;
  if (cols % WEIGHT_GROUP !== 0)
    throw new EngineError(
      'unsupported_model',
      `${name} has ${cols} columns, not a multiple of ${WEIGHT_GROUP}: it cannot be quantized to ${format} (use --quant none)`,
      { param: 'quant' },
    );
  return {
    name,
    rows,
    cols,
    format,
    groupSize: WEIGHT_GROUP,
    readRows: (start, count) => {
      const values = dequantizeRows(source.readRows(start, count), count, cols, source.groupSize);
      if (!values.every((v) => Math.abs(v) <= 65504))
        throw new EngineError(
          'unsupported_model',
          `${name} has values that f16 scales cannot hold (use --quant none)`,
          {
            param: 'quant',
          },
        );
      return quantizeRows(values, count, cols, format);
    },
  };
}

/** The group's own range, widened to f16 so that no value falls outside. */
function fitRange(group: Float32Array, maxCode: number): Affine {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < group.length; i++) {
    const v = group[i];
    if (v < low) low = v;
    if (v > high) high = v;
  }
  const min = roundF16(low, -1);
  return { min, scale: roundF16((high - min) / maxCode, +1) };
}

function fitSearch(group: Float32Array, maxCode: number, codes: Uint8Array): Affine {
  let best = fitRange(group, maxCode);
  const range = best.scale * maxCode;
  if (range === 0) return best;
  encode(group, best, maxCode, codes);
  let bestError = squaredError(group, best, codes);
  for (const stretch of STRETCHES) {
    // Both ends clip alike: the narrowed range keeps its centre.
    const scale = range / (maxCode + stretch);
    encode(group, { scale, min: best.min + (scale * stretch) / 2 }, maxCode, codes);
    const refit = leastSquares(group, codes);
    if (!refit) continue;
    encode(group, refit, maxCode, codes);
    const error = squaredError(group, refit, codes);
    if (error < bestError) {
      best = refit;
      bestError = error;
    }
  }
  return best;
}

/** scale and min (as f16 values) that minimize Σ (scale · q + min − w)². */
function leastSquares(group: Float32Array, codes: Uint8Array): Affine | null {
  const n = group.length;
  let sumQ = 0;
  let sumQQ = 0;
  let sumW = 0;
  let sumQW = 0;
  for (let i = 0; i < n; i++) {
    sumQ += codes[i];
    sumQQ += codes[i] * codes[i];
    sumW += group[i];
    sumQW += codes[i] * group[i];
  }
  const determinant = n * sumQQ - sumQ * sumQ;
  if (determinant <= 0) return null;
  const scale = roundF16((n * sumQW - sumQ * sumW) / determinant, 0);
  return scale > 0 ? { scale, min: roundF16((sumW - scale * sumQ) / n, 0) } : null;
}

function squaredError(group: Float32Array, { scale, min }: Affine, codes: Uint8Array): number {
  let error = 0;
  for (let i = 0; i < group.length; i++) {
    const difference = group[i] - (scale * codes[i] + min);
    error += difference * difference;
  }
  return error;
}

/** Nearest codes, clamped to 0 … maxCode. */
function encode(group: Float32Array, { scale, min }: Affine, maxCode: number, codes: Uint8Array): void {
  const inverse = scale === 0 ? 0 : 1 / scale;
  for (let i = 0; i < group.length; i++) {
    const code = ((group[i] - min) * inverse + 0.5) | 0;
    codes[i] = code < 0 ? 0 : code > maxCode ? maxCode : code;
  }
}

/** The f16 value nearest to x (direction 0), at or below it (-1), or at or above it (+1). */
function roundF16(x: number, direction: -1 | 0 | 1): number {
  const bits = f32ToF16(x);
  const value = f16Table()[bits];
  const wrongSide = direction < 0 ? value > x : direction > 0 && value < x;
  if (!wrongSide) return value;
  // Half bit patterns order by magnitude; step one towards `direction`, through zero if need be.
  if (value === 0) return direction * 2 ** -24;
  return f16Table()[bits + (value > 0 === direction > 0 ? 1 : -1)];
}
