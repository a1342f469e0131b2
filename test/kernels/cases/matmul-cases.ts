/** matmul: every weight format, uneven shapes, bias and residual, f32 and int8 activations. */
import type { WeightFormat } from '../../../src/tensor/matrix.ts';
import { randomMatrix } from '../../helpers/matrices.ts';
import { randomFloats } from '../../helpers/random.ts';
import { core, f32Bound, type KernelCase } from './case.ts';

interface MatmulSpec {
  readonly format: WeightFormat;
  readonly groupSize?: number;
  readonly tokens: number;
  readonly rows: number;
  readonly cols: number;
  readonly bias?: boolean;
  readonly residual?: boolean;
  readonly activations?: 'int8';
  /** x stays f32 with int8 activations, as it does where a model names no consumer. */
  readonly plain?: boolean;
}

export function matmul(
  x: ArrayLike<number>,
  w: Float64Array,
  tokens: number,
  rows: number,
  cols: number,
): Float64Array {
  const y = new Float64Array(tokens * rows);
  for (let t = 0; t < tokens; t++)
    for (let n = 0; n < rows; n++) for (let k = 0; k < cols; k++) y[t * rows + n] += x[t * cols + k] * w[n * cols + k];
  return y;
}

/** max|x| / 127 in groups of 32, rounded: the int8 form of x, back in floats. */
export function throughInt8(x: Float32Array, cols: number): Float64Array {
  return Float64Array.from(x, (value, i) => {
    const row = i - (i % cols);
    const group = row + 32 * Math.floor((i % cols) / 32);
    const members = x.subarray(group, Math.min(group + 32, row + cols));
    const scale = Math.fround(members.reduce((largest, v) => Math.max(largest, Math.abs(v)), 0) / 127);
    return scale * Math.round(value / scale);
  });
}

export function matmulCase(spec: MatmulSpec): KernelCase {
  const { format, tokens, rows, cols } = spec;
  const int8 = spec.activations === 'int8' && !spec.plain;
  const matrix = randomMatrix(rows + cols, rows, cols, format, spec.groupSize);
  const x = randomFloats(tokens * cols + 7, tokens * cols);
  const bias = randomFloats(rows + 1, rows);
  const residual = randomFloats(rows + 2, tokens * rows);
  const suffix = `${spec.bias ? ' + bias' : ''}${spec.residual ? ' + residual' : ''}`;
  // The int8 activation is made by norm with the norm divided out again: x · 1 with weight rms(x) would round twice,
  // so the input of the norm is one whose rms is exactly 1 per token, and eps is 0.
  const unit = unitRows(x, cols);
  return {
    name: `matmul [${tokens}, ${cols}] × ${format}${matrix.source.groupSize ? `/${matrix.source.groupSize}` : ''} [${rows}, ${cols}]${suffix}${int8 ? ', int8 activations' : ''}${spec.plain ? ', f32 among int8 activations' : ''}`,
    activations: spec.activations ?? 'f32',
    prepare: async (ops) => {
      const w = await ops.uploadMatrix(matrix.source);
      const xs = ops.uploadF32(int8 ? unit : x, [tokens, cols]);
      const ones = ops.uploadF32(new Float32Array(cols).fill(1), [cols]);
      const option = {
        ...(spec.bias ? { bias: ops.uploadF32(bias, [rows]) } : {}),
        ...(spec.residual ? { residual: ops.uploadF32(residual, [tokens, rows]) } : {}),
      };
      return () => ops.matmul(int8 ? ops.norm(xs, { kind: 'rms', weight: ones, eps: 0 }, { to: w }) : xs, w, option);
    },
    expected: () => {
      const y = matmul(int8 ? throughInt8(unit, cols) : x, matrix.values, tokens, rows, cols);
      return y.map((v, i) => v + (spec.bias ? bias[i % rows] : 0) + (spec.residual ? residual[i] : 0));
    },
    // A tie that rounds the other way moves one activation by a step of 1 %.
    referenceBound: int8 ? { nmse: 1e-6, maxAbs: 0.05 } : f32Bound,
    // On lavapipe in twelve bits.
    webgpuBound: int8 ? { nmse: 1e-6, maxAbs: 0.05 } : spec.plain ? { nmse: 2e-7, maxAbs: 0.02 } : f32Bound,
  };
}

/** Rows scaled to a mean square of 1. */
export function unitRows(x: Float32Array, cols: number): Float32Array {
  return x.map((value, i) => {
    const row = x.subarray(i - (i % cols), i - (i % cols) + cols);
    return value / Math.sqrt(row.reduce((sum, v) => sum + v * v, 0) / cols);
  });
}

const formats: readonly (readonly [WeightFormat, number?])[] = [
  ['f32'],
  ['f16'],
  ['bf16'],
  ['int8', 32],
  ['int8', 16],
  ['int4', 32],
];

// Few combinations of format, tile and epilogue: each is a pipeline, and lavapipe takes 1–3 s to compile one.
const shapes = [
  { tokens: 1, rows: 57, cols: 128 },
  { tokens: 3, rows: 1001, cols: 64 },
  { tokens: 57, rows: 130, cols: 160 },
  { tokens: 0, rows: 64, cols: 64 },
] as const;

const withGroup = (groupSize: number | undefined) => (groupSize === undefined ? {} : { groupSize });
const integers = formats.filter(([format]) => format === 'int8' || format === 'int4');

export const matmulCases: readonly KernelCase[] = [
  ...formats.flatMap(([format, groupSize]) =>
    shapes.map((shape) => matmulCase({ format, ...withGroup(groupSize), ...shape })),
  ),
  ...integers.flatMap(([format, groupSize]) =>
    shapes.map((shape) => matmulCase({ format, ...withGroup(groupSize), ...shape, activations: 'int8' })),
  ),
  // Columns that no vector width divides exist in float formats only.
  ...(['f32', 'f16', 'bf16'] as const).flatMap((format) => [
    matmulCase({ format, tokens: 1, rows: 1, cols: 1 }),
    matmulCase({ format, tokens: 3, rows: 57, cols: 57 }),
    matmulCase({ format, tokens: 7, rows: 9, cols: 1001 }),
  ]),
  matmulCase({ format: 'int8', groupSize: 16, tokens: 3, rows: 33, cols: 48, activations: 'int8' }),
  matmulCase({ format: 'int8', groupSize: 16, tokens: 5, rows: 57, cols: 48, activations: 'int8', plain: true }),
  matmulCase({ format: 'int8', tokens: 1, rows: 57, cols: 96, activations: 'int8', plain: true }),
  matmulCase({ format: 'int4', tokens: 9, rows: 70, cols: 160, activations: 'int8', plain: true }),
  matmulCase({ format: 'f16', tokens: 3, rows: 57, cols: 64, activations: 'int8', plain: true }),
  matmulCase({ format: 'f32', tokens: 8, rows: 64, cols: 128, bias: true }),
  matmulCase({ format: 'int4', tokens: 16, rows: 3, cols: 32, bias: true, residual: true, activations: 'int8' }),
  matmulCase({ format: 'int4', tokens: 2, rows: 96, cols: 576, residual: true, activations: 'int8' }),
  // The kernels for real GPUs, each format and form of activations: few tokens, then many.
  core(matmulCase({ format: 'int4', tokens: 1, rows: 576, cols: 1536, activations: 'int8' })),
  core(matmulCase({ format: 'f32', tokens: 3, rows: 57, cols: 61 })),
  core(matmulCase({ format: 'f16', tokens: 8, rows: 130, cols: 96 })),
  core(matmulCase({ format: 'bf16', tokens: 1, rows: 2049, cols: 64 })),
  core(matmulCase({ format: 'int8', groupSize: 16, tokens: 5, rows: 57, cols: 48, activations: 'int8' })),
  core(matmulCase({ format: 'int4', tokens: 1, rows: 130, cols: 1536, residual: true })),
  core(matmulCase({ format: 'f16', tokens: 57, rows: 130, cols: 57, bias: true, residual: true })),
  core(matmulCase({ format: 'int4', tokens: 33, rows: 70, cols: 96, activations: 'int8' })),
  core(matmulCase({ format: 'int8', tokens: 3, rows: 57, cols: 64 })),
  core(matmulCase({ format: 'f32', tokens: 9, rows: 33, cols: 72 })),
  core(matmulCase({ format: 'bf16', tokens: 33, rows: 3, cols: 40 })),
  core(matmulCase({ format: 'int8', tokens: 34, rows: 57, cols: 64, residual: true })),
  core(matmulCase({ format: 'int8', groupSize: 16, tokens: 57, rows: 57, cols: 48, activations: 'int8' })),
  core(matmulCase({ format: 'int4', tokens: 16, rows: 70, cols: 96, bias: true })),
  // Enough for tiles of 64 × 64 and of 128 × 128.
  core(matmulCase({ format: 'f16', tokens: 130, rows: 5505, cols: 24 })),
  matmulCase({ format: 'int4', tokens: 257, rows: 10881, cols: 32 }),
];
