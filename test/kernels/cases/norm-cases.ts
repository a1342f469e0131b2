/** Norms, activations and softmax, and the quantized forms that they give to an integer matrix product. */
import type { Activation, Ops } from '../../../src/kernels/ops.ts';
import { smallCache } from '../../helpers/batches.ts';
import { randomMatrix } from '../../helpers/matrices.ts';
import { randomFloats } from '../../helpers/random.ts';
import { core, exact, f32Bound, type KernelCase } from './case.ts';

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
      return () => ops.norm(xs, { kind: 'rms', weight: ws, eps: 1e-5 }, option);
    },
    expected: () => rmsNorm(x, weight, 1e-5),
    referenceBound: quantized ? q8AgainstFloat : f32Bound,
    webgpuBound: quantized ? q8Bound : f32Bound,
  };
}

const integerConsumer = (ops: Ops, cols: number) => ops.uploadMatrix(randomMatrix(1, 8, cols, 'int8', 16).source);

/** Written apart from src/. */
const activations: Record<Activation, (x: number) => number> = {
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu_tanh: (x) => {
    const e = Math.exp(2 * 0.7978845608028654 * (x + 0.044715 * x * x * x));
    return e === Infinity ? x : x * (e / (e + 1));
  },
};

export function gatedMulCase(t: number, i: number, quantized: boolean, activation: Activation = 'silu'): KernelCase {
  const x = randomFloats(t * i + 3, t * 2 * i, 3);
  return {
    name: `gatedMul ${activation} [${t}, ${i}]${quantized ? ' → q8' : ''}`,
    activations: quantized ? 'int8' : 'f32',
    prepare: async (ops) => {
      const xs = ops.uploadF32(x, [t, 2 * i]);
      const option = quantized ? { to: await integerConsumer(ops, i) } : {};
      return () => ops.gatedMul(xs, activation, option);
    },
    expected: () =>
      Float64Array.from({ length: t * i }, (_, n) => {
        const at = Math.floor(n / i) * 2 * i + (n % i);
        return activations[activation](x[at]) * x[at + i];
      }),
    referenceBound: quantized ? q8AgainstFloat : f32Bound,
    webgpuBound: quantized ? q8Bound : f32Bound,
  };
}

function activateCase(t: number, i: number, activation: Activation, scale: number): KernelCase {
  const x = randomFloats(t + i, t * i, scale);
  return {
    name: `activate ${activation} [${t}, ${i}] of ±${scale}`,
    prepare: async (ops) => {
      const xs = ops.uploadF32(x, [t, i]);
      return () => ops.activate(xs, activation);
    },
    expected: () => Float64Array.from(x, activations[activation]),
    referenceBound: f32Bound,
    webgpuBound: f32Bound,
  };
}

function layerNormCase(t: number, h: number, quantized = false): KernelCase {
  // Far from 0, as the mean of real residual streams is.
  const x = randomFloats(t * h + 4, t * h, 2).map((v) => v + 3);
  const [weight, bias] = [randomFloats(h + 5, h), randomFloats(h + 6, h)];
  return {
    name: `layerNorm [${t}, ${h}]${quantized ? ' → q8' : ''}`,
    activations: quantized ? 'int8' : 'f32',
    prepare: async (ops) => {
      const xs = ops.uploadF32(x, [t, h]);
      const norm = { weight: ops.uploadF32(weight, [h]), bias: ops.uploadF32(bias, [h]) };
      const option = quantized ? { to: await integerConsumer(ops, h) } : {};
      return () => ops.norm(xs, { kind: 'layer', ...norm, eps: 1e-5 }, option);
    },
    expected: () =>
      perRow(x, h, (row) => {
        const mean = row.reduce((sum, v) => sum + v, 0) / h;
        const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / h;
        return Array.from(row, (v, i) => ((v - mean) / Math.sqrt(variance + 1e-5)) * weight[i] + bias[i]);
      }),
    referenceBound: quantized ? q8AgainstFloat : f32Bound,
    webgpuBound: quantized ? q8Bound : f32Bound,
  };
}

function headNormCase(t: number, heads: number, kvHeads: number, headDim: number): KernelCase {
  const width = (heads + 2 * kvHeads) * headDim;
  const qkv = randomFloats(t + width, t * width, 2);
  const [query, key] = [randomFloats(headDim + 1, headDim), randomFloats(headDim + 2, headDim)];
  return {
    name: `headNorm [${t}, (${heads} + 2·${kvHeads})·${headDim}]`,
    prepare: async (ops) => {
      const x = ops.uploadF32(qkv, [t, width]);
      const norms = { query: ops.uploadF32(query, [headDim]), key: ops.uploadF32(key, [headDim]) };
      const [layer] = ops.createKVCache({
        ...smallCache,
        layers: [{ kvHeads, headDim, dtype: 'f32', group: 0 }],
      }).layers;
      return () => ops.headNorm(x, norms, 1e-6, layer);
    },
    expected: () => {
      const all = perRow(qkv, headDim, (head) => Array.from(head));
      return all.map((v, i) => {
        const head = Math.floor(i / headDim) % (heads + 2 * kvHeads);
        if (head >= heads + kvHeads) return v;
        const first = i - (i % headDim);
        const meanSquare = all.slice(first, first + headDim).reduce((sum, u) => sum + u * u, 0) / headDim;
        return (v / Math.sqrt(meanSquare + 1e-6)) * (head < heads ? query : key)[i % headDim];
      });
    },
    referenceBound: f32Bound,
    webgpuBound: f32Bound,
  };
}

function addCase(t: number, h: number): KernelCase {
  const [a, b] = [randomFloats(t + h, t * h), randomFloats(t + h + 1, t * h)];
  return {
    name: `add [${t}, ${h}]`,
    prepare: async (ops) => {
      const [as, bs] = [ops.uploadF32(a, [t, h]), ops.uploadF32(b, [t, h])];
      return () => ops.add(as, bs);
    },
    expected: () => a.map((v, i) => v + b[i]),
    referenceBound: exact,
    webgpuBound: exact,
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
  ...shapes.map(([t, h]) => gatedMulCase(t, h, false)),
  gatedMulCase(3, 1536, true),
  gatedMulCase(1, 16, true),
  core(gatedMulCase(57, 96, true)),
  gatedMulCase(3, 57, false, 'gelu_tanh'),
  core(gatedMulCase(5, 96, true, 'gelu_tanh')),
  core(activateCase(3, 57, 'gelu_tanh', 4)),
  activateCase(2, 1001, 'gelu_tanh', 60),
  activateCase(1, 64, 'silu', 8),
  core(layerNormCase(3, 57)),
  layerNormCase(2, 1504),
  layerNormCase(1, 48, true),
  core(headNormCase(3, 4, 2, 24)),
  headNormCase(1, 3, 1, 80),
  core(addCase(3, 57)),
  addCase(1, 576),
  softmaxCase(1, 1, 5),
  softmaxCase(3, 57, 5),
  core(softmaxCase(2, 1001, 90)),
  softmaxCase(1, 5000, 10),
  softmaxCase(0, 16, 1),
];
