/** What the self-test computes with: the same numbers on every machine, of the size that activations and weights have. */
import { f32ToBf16, f32ToF16 } from '../../tensor/f16.ts';
import type { HostRows, MatrixShape, MatrixSource } from '../../tensor/matrix.ts';
import { matrixFromRows } from '../../tensor/rows.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Matrix, Ops } from '../ops.ts';

/** A linear congruential generator (Knuth's MMIX constants do not fit a double; these are Numerical Recipes'): [0, 1). */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

/** In (-1, 1). */
export function randomFloats(seed: number, count: number): Float32Array {
  const next = numbers(seed);
  return Float32Array.from({ length: count }, () => 2 * next() - 1);
}

/** Activations `x [T, K]` in the form that products with this matrix take, as a norm in front of them makes it. */
export function quantized(ops: Ops, x: Tensor, to: Matrix): Tensor {
  const cols = x.shape[1];
  const ones = ops.uploadF32(new Float32Array(cols).fill(1), [cols]);
  return ops.norm(x, { kind: 'rms', weight: ones, eps: 1e-5 }, { to });
}

/** A matrix of that format, groups and experts, its values in (-1, 1). */
export function randomMatrix(seed: number, shape: MatrixShape): MatrixSource {
  const { name, rows, cols, groupSize, experts } = shape;
  const source = matrixFromRows(name, rows, cols, randomRows(seed, shape), groupSize);
  return experts === undefined ? source : { ...source, experts, readRows: source.readRows.bind(source) };
}

function randomRows(seed: number, { rows, cols, format, groupSize }: MatrixShape): HostRows {
  const count = rows * cols;
  if (format === 'int8' || format === 'int4') {
    const next = numbers(seed);
    const codes = format === 'int8' ? count : count / 2;
    const groups = count / groupSize;
    const largest = format === 'int8' ? 255 : 15;
    return {
      format,
      q: Uint8Array.from({ length: codes }, () => Math.floor(next() * 256)),
      scale: Uint16Array.from({ length: groups }, () => f32ToF16((0.5 + next()) / largest)),
      min: Uint16Array.from({ length: groups }, () => f32ToF16(-0.5 * next())),
    };
  }
  const values = randomFloats(seed, count);
  const stored = format === 'f32' ? values : Uint16Array.from(values, format === 'f16' ? f32ToF16 : f32ToBf16);
  return { format, data: new Uint8Array(stored.buffer) };
}
