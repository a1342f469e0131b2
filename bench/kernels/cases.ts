/** What is timed: matrix products of real shapes in every format, and the other ops from the test suite's case table. */
import type { Ops } from '../../src/kernels/ops.ts';
import { matrixBytes, type WeightFormat } from '../../src/tensor/matrix.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { attentionCase } from '../../test/kernels/cases/attention-cases.ts';
import type { KernelCase } from '../../test/kernels/cases/case.ts';
import { expertMatmulCase } from '../../test/kernels/cases/expert-cases.ts';
import { argmaxCase, embeddingCase } from '../../test/kernels/cases/index-cases.ts';
import { rmsNormCase, gatedMulCase, softmaxCase } from '../../test/kernels/cases/norm-cases.ts';
import { headMatmulCase, latentCase } from '../../test/kernels/cases/latent-cases.ts';
import { randomMatrix } from '../../test/helpers/matrices.ts';
import { randomFloats } from '../../test/helpers/random.ts';

export interface KernelBench {
  readonly name: string;
  readonly activations: 'f32' | 'int8';
  /** Multiply-adds and bytes that the op cannot do without; 0 where they say nothing. */
  readonly macs: number;
  readonly bytes: number;
  prepare(ops: Ops): Promise<() => Tensor>;
}

export interface MatmulShape {
  readonly tokens: number;
  readonly rows: number;
  readonly cols: number;
}

export function matmulBench(
  format: WeightFormat,
  activations: 'f32' | 'int8',
  { tokens, rows, cols }: MatmulShape,
): KernelBench {
  const groupSize = format === 'int8' || format === 'int4' ? 32 : 0;
  return {
    name: `matmul ${format}${activations === 'int8' ? ' × int8' : ''} [${rows}, ${cols}], ${tokens} tokens`,
    activations,
    macs: tokens * rows * cols,
    bytes: matrixBytes({ rows, cols, format, groupSize }),
    prepare: async (ops) => {
      const { source } = randomMatrix(rows, rows, cols, format, groupSize);
      const w = await ops.uploadMatrix(source);
      const x = ops.uploadF32(randomFloats(1, tokens * cols), [tokens, cols]);
      const ones = ops.uploadF32(new Float32Array(cols).fill(1), [cols]);
      const input = activations === 'int8' ? ops.norm(x, { kind: 'rms', weight: ones, eps: 1e-5 }, { to: w }) : x;
      return () => ops.matmul(input, w);
    },
  };
}

/** @param bytes, macs what the op cannot do without */
export const fromCase = (c: KernelCase, bytes: number, macs = 0): KernelBench => ({
  name: c.name,
  activations: c.activations ?? 'f32',
  macs,
  bytes,
  prepare: (ops) => c.prepare(ops),
});

/** Keys and values that decode attention reads, f16, and its multiply-adds. */
function attentionBench(name: string, sequences: { context: number; chunk: number }[]): KernelBench {
  const shape = { heads: 9, kvHeads: 3, headDim: 64 };
  const pairs = sequences.reduce((n, s) => n + s.chunk * (s.context + (s.chunk + 1) / 2), 0);
  const stored = sequences.reduce((n, s) => n + s.context + s.chunk, 0);
  const bytes = stored * 2 * shape.kvHeads * shape.headDim * 2;
  const macs = pairs * 2 * shape.heads * shape.headDim;
  return fromCase(attentionCase(name, { ...shape, dtype: 'f16', sequences }), bytes, macs);
}

/** A product with k of 16 experts: at decode the bytes are those of the experts that are chosen, which few tokens read once each. */
function expertBench(format: WeightFormat, tokens: number): KernelBench {
  const shape = { experts: 16, k: 4, rows: 512, cols: 1024 };
  const groupSize = format === 'int8' || format === 'int4' ? 32 : 0;
  const read = Math.min(shape.experts, tokens * shape.k) * matrixBytes({ ...shape, format, groupSize });
  const spec = { format, tokens, ...shape, ...(groupSize && { activations: 'int8' as const }) };
  return fromCase(expertMatmulCase(spec), read, tokens * shape.k * shape.rows * shape.cols);
}

/** DeepSeek-V2-Lite's attention over latents, f16: each row of 576 is read once, as key and as value. */
function latentBench(name: string, sequences: { context: number; chunk: number }[]): KernelBench {
  const shape = { heads: 16, rank: 512, ropeDim: 64 };
  const pairs = sequences.reduce((n, s) => n + s.chunk * (s.context + (s.chunk + 1) / 2), 0);
  const stored = sequences.reduce((n, s) => n + s.context + s.chunk, 0);
  const bytes = stored * (shape.rank + shape.ropeDim) * 2;
  const macs = pairs * shape.heads * (2 * shape.rank + shape.ropeDim);
  return fromCase(latentCase('attention', name, { ...shape, dtype: 'f16', interleaved: true, sequences }), bytes, macs);
}

/** Its products of each head's own, in front of attention and behind it. */
function headMatmulBench(tokens: number, rows: number, cols: number): KernelBench {
  const heads = 16;
  const spec = { format: 'f16', tokens, heads, rows, cols } as const;
  return fromCase(headMatmulCase(spec), heads * rows * cols * 2, tokens * heads * rows * cols);
}

/** The ops of SmolLM2-135M, at decode and at prefill, and of DeepSeek-V2-Lite's attention. */
export function opBenches(): KernelBench[] {
  const decode = (n: number, context: number) => Array.from({ length: n }, () => ({ context, chunk: 1 }));
  return [
    fromCase(rmsNormCase(1, 576, false), 576 * 8),
    fromCase(rmsNormCase(512, 576, false), 512 * 576 * 8),
    fromCase(rmsNormCase(1, 576, true), 576 * 5),
    fromCase(gatedMulCase(1, 1536, false), 1536 * 12),
    fromCase(gatedMulCase(512, 1536, false), 512 * 1536 * 12),
    fromCase(gatedMulCase(1, 1536, true), 1536 * 9),
    fromCase(softmaxCase(1, 49152, 10), 49152 * 8),
    fromCase(argmaxCase(1, 49152, false), 49152 * 4),
    fromCase(argmaxCase(16, 49152, false), 16 * 49152 * 4),
    fromCase(embeddingCase('int8', 16, 1001, 576), 16 * 576 * 5),
    expertBench('int4', 1),
    expertBench('int4', 64),
    expertBench('f16', 1),
    attentionBench('decode 1 × 256', decode(1, 255)),
    attentionBench('decode 16 × 256', decode(16, 255)),
    attentionBench('prefill 512', [{ context: 0, chunk: 512 }]),
    latentBench('decode 1 × 256', decode(1, 255)),
    latentBench('decode 4 × 256', decode(4, 255)),
    latentBench('prefill 64', [{ context: 0, chunk: 64 }]),
    headMatmulBench(1, 512, 128),
    headMatmulBench(1, 128, 512),
    headMatmulBench(64, 512, 128),
  ];
}

const formats: readonly (readonly [WeightFormat, 'f32' | 'int8'])[] = [
  ['f32', 'f32'],
  ['f16', 'f32'],
  ['bf16', 'f32'],
  ['int8', 'f32'],
  ['int8', 'int8'],
  ['int4', 'f32'],
  ['int4', 'int8'],
];

export function matmulBenches(
  shapes: readonly (readonly [number, number])[],
  tokens: readonly number[],
): KernelBench[] {
  return shapes.flatMap(([rows, cols]) =>
    formats.flatMap(([format, activations]) =>
      tokens.map((t) => matmulBench(format, activations, { tokens: t, rows, cols })),
    ),
  );
}
