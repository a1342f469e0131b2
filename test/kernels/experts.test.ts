/** What products with experts read, on both kernel sets: the chosen ones alone, out of as many pieces as the matrix is in. */
import t from 'tap';
import { openGpu, type KernelSet } from '../../src/gpu/device.ts';
import { uploadLaneMatrix } from '../../src/kernels/matmul/lane-matrix.ts';
import { uploadRowMatrix } from '../../src/kernels/matmul/row-matrix.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { matrixFromRows } from '../../src/tensor/rows.ts';
import { randomFloats } from '../helpers/random.ts';

const experts = 6;
const rows = 130;
const cols = 64;
const k = 2;
const values = randomFloats(3, experts * rows * cols);

/** Expert 3 and, by the number of its token, 0 or 4: nobody takes 1, 2 and 5. */
function routing(tokens: number): Float32Array {
  return Float32Array.from(Array.from({ length: tokens }, (_, t) => [3, 0.5, (t % 2) * 4, 0.25]).flat());
}

function source(data: Float32Array) {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { ...matrixFromRows('experts', experts * rows, cols, { format: 'f32', data: bytes }, 0), experts };
}

async function product(ops: WebGPUOps, w: Awaited<ReturnType<WebGPUOps['uploadMatrix']>>, tokens: number) {
  const x = ops.uploadF32(randomFloats(tokens, tokens * cols), [tokens, cols]);
  const pairs = ops.uploadF32(routing(tokens), [tokens, 2 * k]);
  const y = await ops.read(ops.expertMatmul(x, w, pairs));
  ops.endStep();
  return y;
}

const gpu = await openGpu({ validation: true });
for (const kernelSet of new Set<KernelSet>([gpu.kernelSet, 'gpu'])) {
  t.test(`the kernels for ${kernelSet}`, async (t) => {
    const ops = new WebGPUOps(await openGpu({ validation: true }), { kernelSet });
    const { device } = ops.context.gpu;
    const whole = await ops.uploadMatrix(source(values));
    const others = [1, 2, 5];
    const spoiled = values.map((v, i) => (others.includes(Math.floor(i / (rows * cols))) ? NaN : v));
    const withNaN = await ops.uploadMatrix(source(spoiled));
    // Cut within experts and between them: 100 rows, or a block of 64.
    const storage =
      kernelSet === 'gpu'
        ? await uploadRowMatrix(device, source(values), 100 * cols * 4)
        : await uploadLaneMatrix(device, source(values), 2048);
    t.ok(storage.slices.length >= 8, `${storage.slices.length} pieces`);
    // A decode step, then enough tokens for tiles of the same expert.
    for (const tokens of [1, 41]) {
      const y = await product(ops, whole, tokens);
      t.ok(y.every(Number.isFinite), `${tokens} tokens: numbers`);
      t.same(
        await product(ops, withNaN, tokens),
        y,
        `${tokens} tokens: NaN in experts that nobody takes changes no bit`,
      );
      t.same(await product(ops, { ...whole, storage }, tokens), y, `${tokens} tokens: a matrix in pieces`);
    }
    ops.destroy();
  });
}
gpu.destroy();
