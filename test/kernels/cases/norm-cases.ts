/** Norms, activations and softmax, and the quantized forms that they give to an integer matrix product. */
import type { Activation, GatedActivation, Ops } from '../../../src/kernels/ops.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { kvLayerOf, smallCache } from '../../helpers/batches.ts';
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

/** ∫₀ˣ 2/√π · exp(-t²) dt by Simpson's rule. */
function erf(x: number): number {
  const steps = 800;
  const end = Math.min(Math.abs(x), 6);
  const f = (i: number) => Math.exp(-(((i * end) / steps) ** 2));
  const inner = Array.from({ length: steps - 1 }, (_, i) => (i % 2 === 0 ? 4 : 2) * f(i + 1));
  const sum = inner.reduce((a, b) => a + b, f(0) + f(steps));
  return (((Math.sign(x) * 2) / Math.sqrt(Math.PI)) * (sum * end)) / (3 * steps);
}

/** Written apart from src/. */
const activations: Record<Activation, (x: number) => number> = {
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu_tanh: (x) => {
    const e = Math.exp(2 * 0.7978845608028654 * (x + 0.044715 * x * x * x));
    return e === Infinity ? x : x * (e / (e + 1));
  },
  gelu: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
  relu: (x) => (x > 0 ? x : 0),
  relu2: (x) => (x > 0 ? x * x : 0),
};

/** As gpt-oss's: the sigmoid by tanh. */
function clampedSwiglu(x: number, y: number): number {
  const [gate, up] = [x > 7 ? 7 : x, y > 7 ? 7 : y < -7 ? -7 : y];
  return gate * 0.5 * (1 + Math.tanh(0.851 * gate)) * (1 + up);
}

export function gatedMulCase(
  t: number,
  i: number,
  quantized: boolean,
  activation: GatedActivation = 'silu',
): KernelCase {
  const x = randomFloats(t * i + 3, t * 2 * i, activation === 'swigluoai' && !quantized ? 12 : 3);
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
        if (activation === 'swigluoai') return clampedSwiglu(x[at], x[at + i]);
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

function layerNormCase(t: number, h: number, { quantized = false, hasBias = true } = {}): KernelCase {
  // Far from 0, as the mean of real residual streams is.
  const x = randomFloats(t * h + 4, t * h, 2).map((v) => v + 3);
  const [weight, bias] = [randomFloats(h + 5, h), randomFloats(h + 6, h)];
  return {
    name: `layerNorm [${t}, ${h}]${hasBias ? '' : ' without bias'}${quantized ? ' → q8' : ''}`,
    activations: quantized ? 'int8' : 'f32',
    prepare: async (ops) => {
      const xs = ops.uploadF32(x, [t, h]);
      const norm = { weight: ops.uploadF32(weight, [h]), ...(hasBias && { bias: ops.uploadF32(bias, [h]) }) };
      const option = quantized ? { to: await integerConsumer(ops, h) } : {};
      return () => ops.norm(xs, { kind: 'layer', ...norm, eps: 1e-5 }, option);
    },
    expected: () =>
      perRow(x, h, (row) => {
        const mean = row.reduce((sum, v) => sum + v, 0) / h;
        const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / h;
        return Array.from(
          row,
          (v, i) => ((v - mean) / Math.sqrt(variance + 1e-5)) * weight[i] + (hasBias ? bias[i] : 0),
        );
      }),
    referenceBound: quantized ? q8AgainstFloat : f32Bound,
    webgpuBound: quantized ? q8Bound : f32Bound,
  };
}

interface HeadNormOption {
  readonly kind?: 'rms' | 'layer';
  readonly over?: 'head' | 'heads';
  /** A weight for each dimension of all heads. */
  readonly isLong?: boolean;
}

function headNormCase(
  t: number,
  heads: number,
  kvHeads: number,
  headDim: number,
  { kind = 'rms', over = 'head', isLong = over === 'heads' }: HeadNormOption = {},
): KernelCase {
  const width = (heads + 2 * kvHeads) * headDim;
  const qkv = randomFloats(t + width, t * width, 2).map((v) => v + 1);
  const weights = [heads, kvHeads].map((n) => randomFloats(headDim + n, isLong ? n * headDim : headDim));
  const normalized = (x: Float32Array, weight: Float32Array): number[] => {
    const mean = kind === 'layer' ? x.reduce((sum, v) => sum + v, 0) / x.length : 0;
    const square = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length;
    return Array.from(x, (v, i) => ((v - mean) / Math.sqrt(square + 1e-6)) * weight[i]);
  };
  const part = (x: Float32Array, weight: Float32Array): number[] => {
    const size = over === 'head' ? headDim : x.length;
    const runs = Array.from({ length: x.length / size }, (_, r) => r * size);
    return runs.flatMap((at) =>
      normalized(x.subarray(at, at + size), isLong ? weight.subarray(at, at + size) : weight),
    );
  };
  return {
    name: `headNorm ${kind} over ${over} [${t}, (${heads} + 2·${kvHeads})·${headDim}]${isLong ? ', long' : ''}`,
    prepare: async (ops) => {
      const x = ops.uploadF32(qkv, [t, width]);
      const [query, key] = weights.map((w) => ops.uploadF32(w, [w.length]));
      const layers = [{ kind: 'kv', kvHeads, headDim, dtype: 'f32', group: 0 } as const];
      const layer = kvLayerOf(ops.createKVCache({ ...smallCache, layers }));
      return () => ops.headNorm(x, { query, key, kind, over }, 1e-6, layer);
    },
    expected: () =>
      perRow(qkv, width, (row) => {
        const [keys, values] = [heads * headDim, (heads + kvHeads) * headDim];
        return [
          ...part(row.subarray(0, keys), weights[0]),
          ...part(row.subarray(keys, values), weights[1]),
          ...row.subarray(values),
        ];
      }),
    referenceBound: f32Bound,
    webgpuBound: f32Bound,
  };
}

function addCase(t: number, h: number, scale = 1): KernelCase {
  const [a, b] = [randomFloats(t + h, t * h), randomFloats(t + h + 1, t * h)];
  return {
    name: `add [${t}, ${h}]${scale === 1 ? '' : ` times ${scale}`}`,
    prepare: async (ops) => {
      const [as, bs] = [ops.uploadF32(a, [t, h]), ops.uploadF32(b, [t, h])];
      return () => (scale === 1 ? ops.add(as, bs) : ops.add(as, bs, scale));
    },
    expected: () => (scale === 1 ? a.map((v, i) => v + b[i]) : Float64Array.from(a, (v, i) => v + scale * b[i])),
    referenceBound: scale === 1 ? exact : f32Bound,
    webgpuBound: scale === 1 ? exact : f32Bound,
  };
}

/** One of the ops on logits: `how` records it, `f` is what it does to each. */
function logitsCase(name: string, how: (ops: Ops, x: Tensor) => Tensor, f: (x: number) => number): KernelCase {
  const x = randomFloats(name.length, 3 * 57, 40);
  return {
    name: `${name} [3, 57]`,
    prepare: async (ops) => {
      const xs = ops.uploadF32(x, [3, 57]);
      return () => how(ops, xs);
    },
    expected: () => Float64Array.from(x, f),
    referenceBound: f32Bound,
    webgpuBound: f32Bound,
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
  // More rows than a dimension of the grid has.
  core(gatedMulCase(65_600, 4, false)),
  core(gatedMulCase(65_600, 16, true)),
  gatedMulCase(3, 57, false, 'gelu_tanh'),
  core(gatedMulCase(3, 57, false, 'swigluoai')),
  core(gatedMulCase(5, 96, true, 'swigluoai')),
  core(gatedMulCase(5, 96, true, 'gelu_tanh')),
  core(activateCase(3, 57, 'gelu_tanh', 4)),
  activateCase(2, 1001, 'gelu_tanh', 60),
  activateCase(1, 64, 'silu', 8),
  core(activateCase(3, 57, 'gelu', 6)),
  activateCase(2, 1001, 'gelu', 60),
  core(activateCase(3, 57, 'relu', 4)),
  core(activateCase(3, 57, 'relu2', 4)),
  gatedMulCase(3, 57, false, 'gelu'),
  core(layerNormCase(3, 57)),
  layerNormCase(2, 1504),
  layerNormCase(1, 48, { quantized: true }),
  core(layerNormCase(3, 33, { hasBias: false })),
  core(headNormCase(3, 4, 2, 24)),
  headNormCase(1, 3, 1, 80),
  core(headNormCase(3, 4, 2, 24, { over: 'heads' })),
  core(headNormCase(2, 6, 3, 16, { kind: 'layer', isLong: true })),
  core(addCase(3, 57)),
  addCase(1, 576),
  core(addCase(3, 57, 0.22)),
  core(
    logitsCase(
      'scale by 0.0625',
      (ops, x) => ops.scale(x, 0.0625),
      (x) => 0.0625 * x,
    ),
  ),
  core(
    logitsCase(
      'cap 30',
      (ops, x) => ops.cap(x, 30),
      (x) => 30 * (1 - 2 / (Math.exp(x / 15) + 1)),
    ),
  ),
  softmaxCase(1, 1, 5),
  softmaxCase(3, 57, 5),
  core(softmaxCase(2, 1001, 90)),
  softmaxCase(1, 5000, 10),
  softmaxCase(0, 16, 1),
];
