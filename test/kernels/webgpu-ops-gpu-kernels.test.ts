/**
 * The kernels for real GPUs, on whatever adapter is here: the core cases, against ReferenceOps, with validation on.
 * (`npm run gpu` runs the whole table, and with production toggles, on a GPU.)
 */
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import { kernelSets, othersOf, variantsNamed, type SetOp, type Variants } from '../../src/kernels/kernel-sets.ts';
import { uploadRowMatrix } from '../../src/kernels/matmul/row-matrix.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { emptyBatch, smallCache } from '../helpers/batches.ts';
import { dryGpu } from '../helpers/dry-gpu.ts';
import { randomMatrix } from '../helpers/matrices.ts';
import { randomFloats } from '../helpers/random.ts';
import { runKernelTable, type CreateOps } from '../helpers/kernel-table.ts';
import { allCases } from './cases/all-cases.ts';
import type { KernelCase } from './cases/case.ts';

// Read when the driver is loaded: where that is lavapipe, subgroups of 4, as on SwiftShader, and other vectors than those of the
// kernels for lavapipe. Most of the time is its compiler, which takes half as long for them as for 8 lanes.
process.env.LP_NATIVE_VECTOR_WIDTH ??= '128';

const cases = allCases.filter((kernelCase) => kernelCase.core);
for await (const { name, ok, found } of runKernelTable({ kernelSet: 'gpu', cases, production: false })) {
  t.ok(ok, `${name}: nmse ${found.nmse}, max ${found.maxAbs}`);
}

/** Names of the kernels that a case is computed with. */
async function kernelsOf(kernelCase: KernelCase, variants: Variants): Promise<string> {
  const names: string[] = [];
  const gpu = dryGpu('gpu', {}, ({ name }) => names.push(name));
  const ops = new WebGPUOps(gpu, { kernelSet: 'gpu', activations: kernelCase.activations ?? 'f32', variants });
  (await kernelCase.prepare(ops))();
  return names.join();
}

// Versions that the table does not choose, on the cases for which it chooses another.
const others = new Set((Object.keys(kernelSets) as SetOp[]).flatMap((op) => othersOf(op, 'gpu')));
for (const name of others) {
  const variants = variantsNamed(name, 'gpu');
  const createOps: CreateOps = (gpu, how) => new WebGPUOps(gpu, { ...how, variants });
  const itsOwn: KernelCase[] = [];
  for (const each of cases) if ((await kernelsOf(each, variants)) !== (await kernelsOf(each, {}))) itsOwn.push(each);
  t.ok(itsOwn.length > 0, `cases of ${name}`);
  for await (const result of runKernelTable({ kernelSet: 'gpu', cases: itsOwn, production: false, createOps })) {
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
