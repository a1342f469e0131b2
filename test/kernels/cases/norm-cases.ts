/** rmsNorm, siluMul and softmax, and the quantized forms that rmsNorm and siluMul give to an integer matrix product. */
import type { Ops } from '../../../src/kernels/ops.ts';
import { randomMatrix } from '../../helpers/matrices.ts';
import { randomFloats } from '../../helpers/random.ts';
import { core, f32Bound, type KernelCase } from './case.ts';

const shapes = [
  [1, 1],
  [3, 57],
  [57, 64],
  [1, 576],
  [3, 1001],
  [2, 4096],
  [0, 64],
] as const;

/**
 * Quantization differs by one step where the two backends' inputs of `round` straddle a tie; a step is at most
 * max|y| / 127, and few elements do.
 */
const q8Bound = { nmse: 1e-5, maxAbs: 0.08 };
/** Rounding to 8 bits: half a step of each group's largest value. */
const q8AgainstFloat = { nmse: 1e-4, maxAbs: 0.04 };

/** `f` of each row of x `[…, columns]`. */
function perRow(x: Float32Array, columns: number, f: (row: Float32Array) => number[]): number[] {
  return Array.from({ length: x.length / columns }, (_, r) => f(x.subarray(r * columns, (r + 1) * columns))).flat();
}

function rmsNorm(x: Float32Array, weight: Float32Array, eps: number): number[] {
  return perRow(x, weight.length, (row) => {
    const meanSquare = row.reduce((sum, v) => sum + v * v, 0) / row.length;
    return Array.from(row, (v, i) => (v / Math.sqrt(meanSquare + eps)) * weight[i]);
  });
}

export function rmsNormCase(t: number, h: number, quantized: boolean): KernelCase {
  const x = randomFloats(t * h + 1, t * h, 2);
  const weight = randomFloats(h + 2, h);
  return {
    name: `rmsNorm [${t}, ${h}]${quantized ? ' → q8' : ''}`,
    activations: quantized ? 'int8' : 'f32',
    prepare: async (ops) => {
      const [xs, ws] = [ops.uploadF32(x, [t, h]), ops.uploadF32(weight, [h])];
      const option = quantized ? { to: await integerConsumer(ops, h) } : {};
      return () => ops.rmsNorm(xs, ws, 1e-5, option);
    },
    expected: () => rmsNorm(x, weight, 1e-5),
    referenceBound: quantized ? q8AgainstFloat : f32Bound,
    webgpuBound: quantized ? q8Bound : f32Bound,
  };
}

const integerConsumer = (ops: Ops, cols: number) => ops.uploadMatrix(randomMatrix(1, 8, cols, 'int8', 16).source);

export function siluMulCase(t: number, i: number, quantized: boolean): KernelCase {
  const x = randomFloats(t * i + 3, t * 2 * i, 3);
  return {
    name: `siluMul [${t}, ${i}]${quantized ? ' → q8' : ''}`,
    activations: quantized ? 'int8' : 'f32',
    prepare: async (ops) => {
      const xs = ops.uploadF32(x, [t, 2 * i]);
      const option = quantized ? { to: await integerConsumer(ops, i) } : {};
      return () => ops.siluMul(xs, option);
    },
    expected: () =>
      Float64Array.from({ length: t * i }, (_, n) => {
        const at = Math.floor(n / i) * 2 * i + (n % i);
        return (x[at] / (1 + Math.exp(-x[at]))) * x[at + i];
      }),
    referenceBound: quantized ? q8AgainstFloat : f32Bound,
    webgpuBound: quantized ? q8Bound : f32Bound,
  };
}

export function softmaxCase(l: number, v: number, scale: number): KernelCase {
  const x = randomFloats(l + v, l * v, scale);
  return {
    name: `softmax [${l}, ${v}] of ±${scale}`,
    prepare: async (ops) => {
      const xs = ops.uploadF32(x, [l, v]);
      return () => ops.softmax(xs);
    },
    expected: () =>
      perRow(x, v, (row) => {
        const sum = row.reduce((total, value) => total + Math.exp(value), 0);
        return Array.from(row, (value) => Math.exp(value) / sum);
      }),
    referenceBound: f32Bound,
    webgpuBound: { nmse: 1e-10, maxAbs: 1e-5 },
  };
}

export const normCases: readonly KernelCase[] = [
  ...shapes.map(([t, h]) => rmsNormCase(t, h, false)),
  rmsNormCase(3, 576, true),
  rmsNormCase(1, 48, true),
  core(rmsNormCase(57, 1504, true)),
  ...shapes.map(([t, h]) => siluMulCase(t, h, false)),
  siluMulCase(3, 1536, true),
  siluMulCase(1, 16, true),
  core(siluMulCase(57, 96, true)),
  softmaxCase(1, 1, 5),
  softmaxCase(3, 57, 5),
  core(softmaxCase(2, 1001, 90)),
  softmaxCase(1, 5000, 10),
  softmaxCase(0, 16, 1),
];
