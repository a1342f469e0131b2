/**
 * Load-time weight quantization (`--quant int8|int4`): groups of 32 columns, affine, `w ≈ scale · q + min` with scale
 * and min in f16 and q in 0 … 255 or 0 … 15.
 *
 * int8 takes the group's own range: min rounded down and scale rounded up to f16, so nothing is clipped and every
 * element is within scale / 2. int4 tries narrower ranges too (STRETCHES): for the codes of each, the scale and min that
 * minimize Σ (scale · q + min - w)² are those of a linear regression, and the candidate of the smallest error is kept. The idea
 * is that of llama.cpp's make_qkx2_quants (ggml/src/ggml-quants.c), which holds the lower end and weights the squares; here
 * either end or both are clipped, and all weights count alike.
 */
import { EngineError } from '../errors.ts';
import { f16Table, f32ToF16 } from './f16.ts';
import type { MatrixSource, QuantizedRows } from './matrix.ts';
import { dequantizeRows } from './rows.ts';

export const WEIGHT_GROUP = 32;

/**
 * int4 candidates: the range is divided into 15 + `steps` parts of which 15 are kept; `below` of the rest is cut off below
 * the kept ones.
 */
const STRETCHES = [0.5, 1.5].flatMap((steps) => [0, 0.5, 1].map((below) => ({ steps, below })));

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
    const affine = format === 'int8' ? fitRange(group, 255) : new RegressionSearch(group, 15).best;
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

/** The affine map of the smallest squared error among those that were tried. */
class RegressionSearch {
  best: Affine;
  readonly #group: Float32Array;
  readonly #maxCode: number;
  #bestError = Infinity;
  #sumW = 0;
  #sumWW = 0;
  #sumQ = 0;
  #sumQQ = 0;
  #sumQW = 0;

  constructor(group: Float32Array, maxCode: number) {
    this.#group = group;
    this.#maxCode = maxCode;
    for (let i = 0; i < group.length; i++) {
      this.#sumW += group[i];
      this.#sumWW += group[i] * group[i];
    }
    this.best = fitRange(group, maxCode);
    const { scale, min } = this.best;
    if (scale === 0) return;
    this.#encode(scale, min);
    this.#bestError = this.#error(scale, min);
    this.#regress();
    const range = scale * maxCode;
    for (const { steps, below } of STRETCHES) {
      const narrower = range / (maxCode + steps);
      this.#encode(narrower, min + narrower * steps * below);
      this.#regress();
    }
    // Codes nearest to the best map may be others than those that it was made of.
    this.#encode(this.best.scale, this.best.min);
    this.#regress();
  }

  /** Sums over the codes nearest to `scale · q + min`. */
  #encode(scale: number, min: number): void {
    const group = this.#group;
    const inverse = 1 / scale;
    let sumQ = 0;
    let sumQQ = 0;
    let sumQW = 0;
    for (let i = 0; i < group.length; i++) {
      const code = clampedCode((group[i] - min) * inverse, this.#maxCode);
      sumQ += code;
      sumQQ += code * code;
      sumQW += code * group[i];
    }
    this.#sumQ = sumQ;
    this.#sumQQ = sumQQ;
    this.#sumQW = sumQW;
  }

  /** Keeps the scale and min that suit these codes best, if they are better than the best so far. */
  #regress(): void {
    const n = this.#group.length;
    const determinant = n * this.#sumQQ - this.#sumQ * this.#sumQ;
    if (determinant <= 0) return;
    const scale = roundF16((n * this.#sumQW - this.#sumQ * this.#sumW) / determinant, 0);
    const min = roundF16((this.#sumW - scale * this.#sumQ) / n, 0);
    const error = this.#error(scale, min);
    if (scale <= 0 || error >= this.#bestError) return;
    this.best = { scale, min };
    this.#bestError = error;
  }

  /** Σ (scale · q + min - w)², multiplied out. */
  #error(scale: number, min: number): number {
    const squares = scale * scale * this.#sumQQ + this.#group.length * min * min + this.#sumWW;
    return squares + 2 * (scale * min * this.#sumQ - scale * this.#sumQW - min * this.#sumW);
  }
}

/** Nearest codes, clamped to 0 … maxCode. */
function encode(group: Float32Array, { scale, min }: Affine, maxCode: number, codes: Uint8Array): void {
  const inverse = scale === 0 ? 0 : 1 / scale;
  for (let i = 0; i < group.length; i++) {
    codes[i] = clampedCode((group[i] - min) * inverse, maxCode);
  }
}

function clampedCode(value: number, maxCode: number): number {
  const code = (value + 0.5) | 0;
  return code < 0 ? 0 : code > maxCode ? maxCode : code;
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
