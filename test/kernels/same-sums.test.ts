/**
 * The few-token product for GPUs adds up a row's columns in one order: the bits of a (row, token) do not depend on how many
 * tokens or rows a workgroup has, nor on where in it they are.
 */
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import type { WeightFormat } from '../../src/tensor/matrix.ts';
import type { Matrix } from '../../src/kernels/ops.ts';
import type { WebGPUOpsOptions } from '../../src/kernels/webgpu-context.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { randomMatrix } from '../helpers/matrices.ts';
import { randomFloats } from '../helpers/random.ts';

process.env.LP_NATIVE_VECTOR_WIDTH ??= '128';

const TOKENS = [1, 2, 3, 5, 8, 9, 17];
const MOST = 17;
/** Each with another plan (matmul.rows.ts), and no multiple of what a workgroup has. */
const ROWS = [57, 2051, 8195];

interface Operands {
  readonly format: WeightFormat;
  readonly groupSize?: number;
  /** More than all lanes take at once. */
  readonly cols: number;
  readonly activations?: 'int8';
}

const operands: readonly Operands[] = [
  { format: 'f32', cols: 328 },
  { format: 'f16', cols: 1061 },
  { format: 'bf16', cols: 328 },
  { format: 'int8', groupSize: 16, cols: 1072 },
  { format: 'int8', cols: 1088 },
  { format: 'int4', cols: 1120 },
  { format: 'int8', cols: 1088, activations: 'int8' },
  { format: 'int4', cols: 1120, activations: 'int8' },
];

const gemv: WebGPUOpsOptions = {
  kernelSet: 'gpu',
  variants: { matmul: 'matmul.gemv', 'matmul of few tokens': 'matmul.gemv' },
};

t.test('each plan of matmul.gemv gives the same bits', async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  for (const { format, groupSize, cols, activations = 'f32' } of operands) {
    const ops = new WebGPUOps(gpu, { ...gemv, activations });
    const { source } = randomMatrix(1, Math.max(...ROWS), cols, format, groupSize);
    const values = randomFloats(2, MOST * cols);
    const ones = ops.uploadF32(new Float32Array(cols).fill(1), [cols]);
    /** Tokens `first … first + count - 1` times the first `rows` rows. */
    const product = async (first: number, count: number, w: Matrix): Promise<Float32Array> => {
      const x = ops.uploadF32(values.subarray(first * cols, (first + count) * cols), [count, cols]);
      const input = activations === 'int8' ? ops.norm(x, { kind: 'rms', weight: ones, eps: 0 }, { to: w }) : x;
      const read = ops.read(ops.matmul(input, w));
      ops.endStep();
      return (await read) as Float32Array;
    };
    const matrices = await Promise.all(ROWS.map((rows) => ops.uploadMatrix({ ...source, rows })));
    const alone: Float32Array[] = [];
    for (let token = 0; token < MOST; token++) alone.push(await product(token, 1, matrices[matrices.length - 1]));
    for (const w of matrices) {
      for (const tokens of TOKENS) {
        const y = await product(0, tokens, w);
        const same = alone.slice(0, tokens).every((row, token) => isEqual(row, y.subarray(token * w.rows), w.rows));
        t.ok(same, `${format}/${source.groupSize} × ${activations}, ${tokens} tokens × ${w.rows} rows`);
      }
    }
  }
});

/** Bit by bit. */
function isEqual(a: Float32Array, b: Float32Array, count: number): boolean {
  const bits = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, count * 4);
  return bits(a).equals(bits(b));
}
