/** Ops that look up or pick: embedding, rows of a step, argmax, and the sampled token that the next step looks up. */
import { LAST_TOKEN_FLAG, type Ops } from '../../../src/kernels/ops.ts';
import type { WeightFormat } from '../../../src/tensor/matrix.ts';
import { randomMatrix } from '../../helpers/matrices.ts';
import { randomFloats, randomIntegers } from '../../helpers/random.ts';
import { emptyBatch, smallCache } from '../../helpers/batches.ts';
import { core, exact, f32Bound, type KernelCase } from './case.ts';

export function embeddingCase(
  format: WeightFormat,
  tokens: number,
  rows: number,
  cols: number,
  groupSize?: number,
): KernelCase {
  const table = randomMatrix(rows, rows, cols, format, groupSize);
  const ids = randomIntegers(cols, tokens, rows);
  if (tokens > 1) ids[tokens - 1] = rows - 1;
  const integers = format === 'int8' || format === 'int4';
  return {
    name: `embedding ${format}${integers ? `/${table.source.groupSize}` : ''} [${rows}, ${cols}] of ${tokens}`,
    prepare: async (ops) => {
      const matrix = await ops.uploadMatrix(table.source);
      const step = ops.beginStep({ ...emptyBatch(tokens), tokenIds: ids }, ops.createKVCache(smallCache));
      return () => ops.embedding(step, matrix);
    },
    expected: () =>
      Float64Array.from(
        { length: tokens * cols },
        (_, i) => table.values[ids[Math.floor(i / cols)] * cols + (i % cols)],
      ),
    referenceBound: integers ? f32Bound : exact,
    webgpuBound: integers ? f32Bound : exact,
  };
}

/** The step's other list holds other indices: neither op may read the wrong one. */
function takeRowsCase(
  op: 'takeLogitRows' | 'takePromptRows',
  tokens: number,
  features: number,
  indices: readonly number[],
): KernelCase {
  const x = randomFloats(features, tokens * features);
  return {
    name: `${op} ${indices.length} of [${tokens}, ${features}]`,
    prepare: async (ops) => {
      const xs = ops.uploadF32(x, [tokens, features]);
      const [wanted, other] = [Uint32Array.from(indices), Uint32Array.of(1, 2)];
      const lists =
        op === 'takeLogitRows'
          ? { logitIndices: wanted, promptIndices: other }
          : { logitIndices: other, promptIndices: wanted };
      const step = ops.beginStep({ ...emptyBatch(tokens), ...lists }, ops.createKVCache(smallCache));
      return () => ops[op](xs, step);
    },
    expected: () => indices.flatMap((i) => [...x.subarray(i * features, (i + 1) * features)]),
    referenceBound: exact,
    webgpuBound: exact,
  };
}

export function argmaxCase(rows: number, columns: number, ties: boolean): KernelCase {
  const x = randomFloats(columns, rows * columns, 4);
  // With ties every value is one of nine, so that equal largest values are everywhere.
  const values = ties ? x.map(Math.round) : x;
  return {
    name: `argmax [${rows}, ${columns}]${ties ? ' with ties' : ''}`,
    prepare: async (ops) => {
      const xs = ops.uploadF32(values, [rows, columns]);
      return () => ops.argmax(xs);
    },
    expected: () =>
      Array.from({ length: rows }, (_, r) => {
        const row = [...values.subarray(r * columns, (r + 1) * columns)];
        return row.indexOf(row.reduce((largest, v) => Math.max(largest, v), -Infinity));
      }),
    referenceBound: exact,
    webgpuBound: exact,
  };
}

/** Step 1 samples ids for rows 2 and 0; step 2's tokens are looked up on the device. */
const lastTokenCase: KernelCase = {
  name: 'embedding of the tokens sampled last',
  prepare: async (ops: Ops) => {
    const matrix = await ops.uploadMatrix(randomMatrix(3, 57, 8, 'f32').source);
    const kv = ops.createKVCache(smallCache);
    const logits = new Float32Array(2 * 57);
    logits[33] = 1;
    logits[57 + 7] = 1;
    const first = ops.beginStep(
      { ...emptyBatch(3), tableRows: Uint32Array.of(2, 2, 0), logitIndices: Uint32Array.of(1, 2) },
      kv,
    );
    ops.storeLastTokens(ops.argmax(ops.uploadF32(logits, [2, 57])), first);
    ops.endStep();
    const tokenIds = Uint32Array.of((LAST_TOKEN_FLAG | 0) >>> 0, 5, (LAST_TOKEN_FLAG | 2) >>> 0);
    const second = ops.beginStep({ ...emptyBatch(3), tokenIds, tableRows: Uint32Array.of(0, 1, 2) }, kv);
    return () => ops.embedding(second, matrix);
  },
  expected: () => {
    const { values } = randomMatrix(3, 57, 8, 'f32');
    return [7, 5, 33].flatMap((id) => [...values.subarray(id * 8, id * 8 + 8)]);
  },
  referenceBound: exact,
  webgpuBound: exact,
};

export const indexCases: readonly KernelCase[] = [
  ...(['f32', 'f16', 'bf16'] as const).flatMap((format) => [
    embeddingCase(format, 3, 57, 64),
    core(embeddingCase(format, 57, 1001, 57)),
    embeddingCase(format, 1, 3, 1),
  ]),
  core(embeddingCase('int8', 57, 1001, 96, 32)),
  embeddingCase('int8', 3, 57, 48, 16),
  core(embeddingCase('int4', 57, 1001, 96)),
  embeddingCase('int4', 1, 130, 32),
  embeddingCase('f32', 0, 3, 4),
  ...(['takeLogitRows', 'takePromptRows'] as const).flatMap((op) => [
    core(takeRowsCase(op, 57, 64, [56, 0, 3])),
    takeRowsCase(op, 3, 1001, [2]),
    takeRowsCase(op, 3, 57, []),
  ]),
  argmaxCase(1, 1, false),
  argmaxCase(3, 57, true),
  argmaxCase(2, 1001, true),
  argmaxCase(16, 49152, false),
  core(argmaxCase(3, 49157, true)),
  argmaxCase(0, 57, false),
  core(lastTokenCase),
];
