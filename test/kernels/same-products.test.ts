/**
 * Products on lavapipe with integer activations: a row has the same bits by dots and in two rows at a time, and alone as with others;
 * and what of an f32 input twelve bits lose.
 */
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { randomMatrix } from '../helpers/matrices.ts';
import { randomFloats } from '../helpers/random.ts';
import { matmul } from './cases/matmul-cases.ts';

const MOST = 7;
const ROWS = 130;
const COLS = 160;

t.test('products with integer activations', async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  if (gpu.kernelSet !== 'lavapipe') {
    t.pass('this adapter has other products');
    return;
  }
  const values = randomFloats(2, MOST * COLS);
  /** `norm`: int8, as a norm makes it; else f32, which the product takes in twelve bits. */
  const product = async (hasDots: boolean, first: number, count: number, norm: boolean): Promise<Float32Array> => {
    const ops = new WebGPUOps({ ...gpu, hasDots }, { activations: 'int8' });
    const w = await ops.uploadMatrix(randomMatrix(1, ROWS, COLS, 'int4', 32).source);
    const x = ops.uploadF32(values.subarray(first * COLS, (first + count) * COLS), [count, COLS]);
    const ones = ops.uploadF32(new Float32Array(COLS).fill(1), [COLS]);
    return (await ops.read(
      ops.matmul(norm ? ops.norm(x, { kind: 'rms', weight: ones, eps: 0 }, { to: w }) : x, w),
    )) as Float32Array;
  };
  for (const norm of [true, false]) {
    const all = await product(true, 0, MOST, norm);
    const name = norm ? 'int8' : 'f32';
    for (const hasDots of [true, false]) {
      t.same(await product(hasDots, 0, MOST, norm), all, `${name}, ${hasDots ? 'dots' : 'two rows at a time'}`);
      t.same(await product(hasDots, 0, 2, norm), all.subarray(0, 2 * ROWS), `${name}, two tokens`);
      t.same(await product(hasDots, 4, 1, norm), all.subarray(4 * ROWS, 5 * ROWS), `${name}, one token`);
    }
  }

  // Rounding to eight bits would lose 250 times as much.
  const exact = matmul(values, randomMatrix(1, ROWS, COLS, 'int4', 32).values, MOST, ROWS, COLS);
  const found = await product(true, 0, MOST, false);
  const power = exact.reduce((sum, v) => sum + v * v, 0);
  const lost = exact.reduce((sum, v, i) => sum + (v - found[i]) ** 2, 0) / power;
  t.ok(lost < 2e-7 && lost > 1e-9, `lost ${lost} of the power`);
});
