/**
 * The kernels for real GPUs, on whatever adapter is here: the core cases, against ReferenceOps.
 * (`npm run gpu` runs the whole table, and with robust shaders, on a GPU.)
 */
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import { uploadRowMatrix } from '../../src/kernels/matmul/row-matrix.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { emptyBatch, smallCache } from '../helpers/batches.ts';
import { randomMatrix } from '../helpers/matrices.ts';
import { randomFloats } from '../helpers/random.ts';
import { runKernelTable } from '../helpers/kernel-table.ts';
import { otherVersions } from '../helpers/other-versions.ts';
import { allCases } from './cases/all-cases.ts';

// Read when the driver is loaded: where that is lavapipe, subgroups of 4, as on SwiftShader, and other vectors than those of the
// kernels for lavapipe. Most of the time is its compiler, which takes half as long for them as for 8 lanes.
process.env.LP_NATIVE_VECTOR_WIDTH ??= '128';

const cases = allCases.filter((kernelCase) => kernelCase.core);
for await (const { name, ok, found } of runKernelTable({ kernelSet: 'gpu', cases, robust: () => false })) {
  t.ok(ok, `${name}: nmse ${found.nmse}, max ${found.maxAbs}`);
}

for await (const { name, cases: itsOwn, ...how } of otherVersions('gpu', cases)) {
  t.ok(itsOwn.length > 0, `cases of ${name}`);
  for await (const result of runKernelTable({ kernelSet: 'gpu', cases: itsOwn, robust: () => false, ...how })) {
    const { found } = result;
    t.ok(result.ok, `${result.name} by ${name}: nmse ${found.nmse}, max ${found.maxAbs}`);
  }
}

t.test('a matrix larger than a binding is read in slices', async (t) => {
  const ops = new WebGPUOps(await openGpu({ validation: true }), { kernelSet: 'gpu' });
  const { source } = randomMatrix(4, 57, 64, 'int4');
  const whole = await ops.uploadMatrix(source);
  // 10 rows of 8 chunks of 4 bytes: six slices, the last of 7 rows.
  const storage = await uploadRowMatrix(ops.context.gpu.device, source, 320);
  t.equal(storage.slices.length, 6);
  const sliced = { ...whole, storage };
  const x = ops.uploadF32(randomFloats(2, 3 * 64), [3, 64]);
  t.same(await ops.read(ops.matmul(x, sliced)), await ops.read(ops.matmul(x, whole)), 'matmul');
  const batch = { ...emptyBatch(4), tokenIds: Uint32Array.of(0, 9, 10, 56) };
  const step = ops.beginStep(batch, ops.createKVCache(smallCache));
  t.same(await ops.read(ops.embedding(step, sliced)), await ops.read(ops.embedding(step, whole)), 'embedding');
  ops.destroy();
});
