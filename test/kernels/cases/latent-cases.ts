/** Multi-head latent attention: products of each head's own, norm, rotation and store of latents, attention over them. */
import type { KVCache, LatentLayer, StepBatch } from '../../../src/kernels/ops.ts';
import { f16ToF32, f32ToF16 } from '../../../src/tensor/f16.ts';
import type { WeightFormat } from '../../../src/tensor/matrix.ts';
import { emptyBatch } from '../../helpers/batches.ts';
import { randomMatrix } from '../../helpers/matrices.ts';
import { randomFloats, shuffled } from '../../helpers/random.ts';
import { core, f32Bound, type KernelCase } from './case.ts';

interface HeadMatmulSpec {
  readonly format: WeightFormat;
  readonly tokens: number;
  readonly heads: number;
  readonly rows: number;
  readonly cols: number;
}

export function headMatmulCase({ format, tokens, heads, rows, cols }: HeadMatmulSpec): KernelCase {
  const matrix = randomMatrix(rows + cols, heads * rows, cols, format);
  const x = randomFloats(tokens + cols, tokens * heads * cols);
  return {
    name: `headMatmul ${tokens} tokens × ${heads} heads of ${format} [${rows}, ${cols}]`,
    prepare: async (ops) => {
      const w = await ops.uploadMatrix({ ...matrix.source, experts: heads });
      const xs = ops.uploadF32(x, [tokens, heads * cols]);
      return () => ops.headMatmul(xs, w);
    },
    expected: () => {
      const y = new Float64Array(tokens * heads * rows);
      for (let i = 0; i < y.length; i++) {
        const [line, row] = [Math.floor(i / rows), i % (heads * rows)];
        for (let k = 0; k < cols; k++) y[i] += x[line * cols + k] * matrix.values[row * cols + k];
      }
      return y;
    },
    referenceBound: f32Bound,
    webgpuBound: f32Bound,
  };
}

export interface LatentCaseSpec {
  readonly heads: number;
  readonly rank: number;
  readonly ropeDim: number;
  /** Dimensions of ropeDim that rotate; all unless given. */
  readonly rotaryDim?: number;
  readonly interleaved?: boolean;
  readonly dtype?: 'f16' | 'f32';
  /** Tokens of each sequence that are stored before the step, and those of the step. */
  readonly sequences: readonly { readonly context: number; readonly chunk: number }[];
}

const MAX_LENGTH = 1024;
const EPS = 1e-3;

/** All tokens of a case, sequence by sequence: what they are made of, and what the formula makes of them in float64. */
class Tokens {
  readonly spec: LatentCaseSpec;
  readonly all: readonly { readonly s: number; readonly position: number; readonly isOfStep: boolean }[];
  readonly slots: Uint32Array;
  readonly latent: Float32Array;
  readonly rope: Float32Array;
  readonly kv: Float32Array;
  readonly weight: Float32Array;

  constructor(spec: LatentCaseSpec) {
    this.spec = spec;
    this.all = spec.sequences.flatMap(({ context, chunk }, s) =>
      Array.from({ length: context + chunk }, (_, position) => ({ s, position, isOfStep: position >= context })),
    );
    const { heads, rank, ropeDim } = spec;
    const n = this.all.length;
    this.slots = shuffled(n, n + 5);
    this.latent = randomFloats(n + 1, n * heads * rank);
    this.rope = randomFloats(n + 2, n * heads * ropeDim);
    this.kv = randomFloats(n + 3, n * (rank + ropeDim), 2);
    this.weight = randomFloats(rank, rank);
  }

  get rotaryDim(): number {
    return this.spec.rotaryDim ?? this.spec.ropeDim;
  }

  angle(position: number, pair: number): number {
    return position * 50 ** ((-2 * pair) / this.rotaryDim);
  }

  /** As a complex product, pair by pair. */
  rotated(part: ArrayLike<number>, position: number): number[] {
    const out = Array.from(part);
    const half = this.rotaryDim / 2;
    for (let pair = 0; pair < half; pair++) {
      const [i, j] = this.spec.interleaved ? [2 * pair, 2 * pair + 1] : [pair, pair + half];
      const [c, s] = [Math.cos(this.angle(position, pair)), Math.sin(this.angle(position, pair))];
      [out[i], out[j]] = [part[i] * c - part[j] * s, part[i] * s + part[j] * c];
    }
    return out;
  }

  query(token: number, head: number): number[] {
    const { heads, rank, ropeDim } = this.spec;
    const row = token * heads + head;
    const rope = this.rope.subarray(row * ropeDim, (row + 1) * ropeDim);
    return [...this.latent.subarray(row * rank, (row + 1) * rank), ...this.rotated(rope, this.all[token].position)];
  }

  stored(token: number): number[] {
    const { rank, ropeDim, dtype } = this.spec;
    const kv = this.kv.subarray(token * (rank + ropeDim), (token + 1) * (rank + ropeDim));
    const latent = kv.subarray(0, rank);
    const norm = Math.sqrt(latent.reduce((sum, v) => sum + v * v, 0) / rank + EPS);
    const row = [
      ...Array.from(latent, (v, i) => (v / norm) * this.weight[i]),
      ...this.rotated(kv.subarray(rank), this.all[token].position),
    ];
    return dtype === 'f16' ? row.map((v) => f16ToF32(f32ToF16(v))) : row;
  }

  /** Indices of the tokens that are of the step, or in front of it. */
  part(isOfStep: boolean): number[] {
    return [...this.all.keys()].filter((i) => this.all[i].isOfStep === isOfStep);
  }
}

const rowsOf = (data: Float32Array, tokens: readonly number[], all: number): Float32Array =>
  Float32Array.from(tokens.flatMap((i) => [...data.subarray((i * data.length) / all, ((i + 1) * data.length) / all)]));

const columnTable = (tokens: Tokens): Float32Array => {
  const half = tokens.rotaryDim / 2;
  return Float32Array.from({ length: MAX_LENGTH * 2 * half }, (_, i) => {
    const [position, column] = [Math.floor(i / (2 * half)), i % (2 * half)];
    return column < half ? Math.cos(tokens.angle(position, column)) : Math.sin(tokens.angle(position, column - half));
  });
};

function latentLayerOf({ layers: [layer] }: KVCache): LatentLayer {
  if (layer.kind !== 'latent') throw new Error(`a layer of kind ${layer.kind}`);
  return layer;
}

/** @param what is compared: what the op returns, or what it stored, seen by attention */
export function latentCase(what: 'queries' | 'attention', name: string, spec: LatentCaseSpec): KernelCase {
  const { heads, rank, ropeDim, dtype = 'f32', interleaved = false } = spec;
  const tokens = new Tokens(spec);
  const n = tokens.all.length;
  const scale = 1 / Math.sqrt(rank + ropeDim);
  const batchOf = (part: readonly number[]): StepBatch => ({
    ...emptyBatch(part.length),
    positions: Uint32Array.from(part, (i) => tokens.all[i].position),
    tableRows: Uint32Array.from(part, (i) => spec.sequences.length - 1 - tokens.all[i].s),
    slots: [Uint32Array.from(part, (i) => tokens.slots[i])],
  });
  return {
    name: `latent ${what} ${name}: ${heads} heads of ${rank} + ${ropeDim}${interleaved ? ' interleaved' : ''}, ${dtype} cache`,
    prepare: async (ops) => {
      const kv = ops.createKVCache({
        layers: [{ kind: 'latent', rank, ropeDim, dtype, group: 0 }],
        groups: [{ slots: tokens.slots.length, window: null }],
        maxRequests: spec.sequences.length,
        maxLength: MAX_LENGTH,
      });
      const layer = latentLayerOf(kv);
      const { rotaryDim } = tokens;
      const table = ops.uploadF32(columnTable(tokens), [MAX_LENGTH, rotaryDim]);
      const rotary = { headDim: ropeDim, rotaryDim, interleaved, table };
      const norm = { kind: 'rms', weight: ops.uploadF32(tokens.weight, [rank]), eps: EPS } as const;
      const upload = (data: Float32Array, part: readonly number[]) =>
        ops.uploadF32(rowsOf(data, part, n), [part.length, data.length / n]);
      const store = (part: readonly number[]) => {
        const step = ops.beginStep(batchOf(part), kv);
        const queries = { latent: upload(tokens.latent, part), rope: upload(tokens.rope, part) };
        const latents = upload(tokens.kv, part);
        return { step, record: () => ops.rotaryStoreLatent(queries, latents, norm, rotary, layer, step) };
      };
      const before = tokens.part(false);
      if (before.length > 0) {
        store(before).record();
        ops.endStep();
      }
      const { step, record } = store(tokens.part(true));
      if (what === 'queries') return record;
      const q = record();
      return () => ops.attention(q, layer, step, { heads, scale });
    },
    expected: () =>
      tokens.part(true).flatMap((i) =>
        Array.from({ length: heads }, (_, h) => {
          const query = tokens.query(i, h);
          return what === 'queries' ? query : attended(tokens, i, query, scale);
        }).flat(),
      ),
    referenceBound: f32Bound,
    webgpuBound: { nmse: 1e-10, maxAbs: 1e-4 },
  };
}

/** softmax(query · latents · scale) · their first rank columns, over the token's own sequence up to itself. */
function attended(tokens: Tokens, i: number, query: readonly number[], scale: number): number[] {
  const { s, position } = tokens.all[i];
  const seen = [...tokens.all.keys()].filter((j) => tokens.all[j].s === s && tokens.all[j].position <= position);
  const rows = seen.map((j) => tokens.stored(j));
  const weights = rows.map((row) => Math.exp(scale * row.reduce((sum, v, d) => sum + v * query[d], 0)));
  const sum = weights.reduce((a, b) => a + b, 0);
  return Array.from({ length: tokens.spec.rank }, (_, d) =>
    rows.reduce((mix, row, j) => mix + (weights[j] / sum) * row[d], 0),
  );
}

const decode = (...contexts: number[]) => contexts.map((context) => ({ context, chunk: 1 }));
const small = { heads: 4, rank: 40, ropeDim: 8 };

export const latentCases: readonly KernelCase[] = [
  headMatmulCase({ format: 'f32', tokens: 1, heads: 4, rows: 40, cols: 16 }),
  core(headMatmulCase({ format: 'f16', tokens: 3, heads: 5, rows: 57, cols: 64 })),
  headMatmulCase({ format: 'bf16', tokens: 9, heads: 3, rows: 20, cols: 40 }),
  core(headMatmulCase({ format: 'f32', tokens: 37, heads: 3, rows: 100, cols: 24 })),
  headMatmulCase({ format: 'int8', tokens: 2, heads: 3, rows: 70, cols: 96 }),
  headMatmulCase({ format: 'int4', tokens: 13, heads: 2, rows: 64, cols: 128 }),
  headMatmulCase({ format: 'f32', tokens: 5, heads: 2, rows: 7, cols: 9 }),
  // On lavapipe more tiles than a dimension of the grid has.
  headMatmulCase({ format: 'f32', tokens: 2060, heads: 128, rows: 2, cols: 8 }),
  latentCase('queries', 'of a part that rotates', { ...small, rotaryDim: 6, sequences: decode(0, 9) }),
  core(latentCase('queries', 'of neighbours', { ...small, interleaved: true, sequences: [{ context: 2, chunk: 5 }] })),
  latentCase('attention', 'first token', { ...small, sequences: decode(0) }),
  core(latentCase('attention', 'decode', { ...small, dtype: 'f16', interleaved: true, sequences: decode(3, 200, 15) })),
  core(
    latentCase('attention', 'mixed', {
      ...{ heads: 3, rank: 24, ropeDim: 16, rotaryDim: 12 },
      sequences: [{ context: 7, chunk: 11 }, ...decode(30), { context: 0, chunk: 3 }],
    }),
  ),
  // DeepSeek's rows are wider than any head's; 1 token, and a tile of them.
  latentCase('attention', "of DeepSeek's width", {
    ...{ heads: 4, rank: 512, ropeDim: 64, dtype: 'f16', interleaved: true },
    sequences: [...decode(140), { context: 5, chunk: 4 }],
  }),
];
