/**
 * The few-token product for GPUs adds up a row's columns in one order: the bits of a (row, token) do not depend on how many
 * tokens or rows a workgroup has, nor on where in it they are.
 */
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import type { WeightFormat } from '../../src/tensor/matrix.ts';
import { gemvPlanOf, type GemvSizes } from '../../src/kernels/matmul/gemv-plan.ts';
import { rowsMatmul } from '../../src/kernels/matmul/matmul.rows.ts';
import type { RowsPlan } from '../../src/kernels/matmul/rows-plan.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { randomMatrix } from '../helpers/matrices.ts';
import { randomFloats } from '../helpers/random.ts';

process.env.LP_NATIVE_VECTOR_WIDTH ??= '128';

const TOKENS = [1, 2, 3, 5, 8, 9, 17];
const MOST = 17;
/** No multiple of what a workgroup has. */
const ROWS = 147;

interface Operands {
  readonly format: WeightFormat;
  readonly groupSize?: number;
  /** More than two tiles of 4 sweeps have. */
  readonly cols: number;
  readonly activations?: 'int8';
}

const operands: readonly Operands[] = [
  { format: 'f32', cols: 520 },
  { format: 'f16', cols: 523 },
  { format: 'bf16', cols: 520 },
  { format: 'int8', groupSize: 16, cols: 1040 },
  { format: 'int8', cols: 1056 },
  { format: 'int4', cols: 2080 },
  { format: 'int8', cols: 1056, activations: 'int8' },
  { format: 'int4', cols: 2080, activations: 'int8' },
];

/** Besides those that are chosen: more rows a team, and smaller tiles. */
const others: readonly GemvSizes[] = [
  { tokens: 1, rows: 4, sweeps: 1, parts: 1 },
  { tokens: 4, rows: 2, sweeps: 2, parts: 1 },
];

t.test('each plan of matmul.gemv gives the same bits', async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  for (const { format, groupSize, cols, activations = 'f32' } of operands) {
    const ops = new WebGPUOps(gpu, { kernelSet: 'gpu', activations });
    const { source } = randomMatrix(1, ROWS, cols, format, groupSize);
    const w = await ops.uploadMatrix(source);
    const values = randomFloats(2, MOST * cols);
    const ones = ops.uploadF32(new Float32Array(cols).fill(1), [cols]);
    /** Of tokens `first … first + count - 1`. */
    const product = async (first: number, count: number, plan?: RowsPlan): Promise<Float32Array> => {
      const x = ops.uploadF32(values.subarray(first * cols, (first + count) * cols), [count, cols]);
      const input = activations === 'int8' ? ops.norm(x, { kind: 'rms', weight: ones, eps: 0 }, { to: w }) : x;
      const read = ops.read(rowsMatmul(ops.context, 'matmul.gemv', input, w, {}, plan));
      ops.endStep();
      return (await read) as Float32Array;
    };
    const alone: Float32Array[] = [];
    for (let token = 0; token < MOST; token++) alone.push(await product(token, 1));
    const isSame = (y: Float32Array): boolean =>
      alone.slice(0, y.length / ROWS).every((row, token) => isEqual(row, y.subarray(token * ROWS), ROWS));
    const name = `${format}/${source.groupSize} × ${activations}`;
    for (const tokens of TOKENS) t.ok(isSame(await product(0, tokens)), `${name}, ${tokens} tokens`);
    for (const sizes of others) {
      const y = await product(0, 9, gemvPlanOf(sizes, format));
      t.ok(isSame(y), `${name}, 9 tokens by ${sizes.rows} rows of ${sizes.tokens}`);
    }
  }
});

/** Bit by bit. */
function isEqual(a: Float32Array, b: Float32Array, count: number): boolean {
  const bits = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, count * 4);
  return bits(a).equals(bits(b));
}
