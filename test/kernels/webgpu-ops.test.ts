/**
 * WebGPUOps against ReferenceOps with the adapter's own kernels: the whole table, the core cases with robust shaders too,
 * and again by each version that the table names beside the one that it chooses.
 */
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import { runKernelTable } from '../helpers/kernel-table.ts';
import { otherVersions } from '../helpers/other-versions.ts';
import { allCases } from './cases/all-cases.ts';

// Most of the time is lavapipe's compiler, where no shader cache has the kernels yet.

for await (const { name, ok, found, robust } of runKernelTable()) {
  t.ok(ok, `${name}: nmse ${found.nmse}, max ${found.maxAbs}; robust: max ${robust.maxAbs}`);
}

const gpu = await openGpu({ validation: false });
for await (const { name: version, cases, ...how } of otherVersions(gpu.kernelSet, allCases)) {
  t.ok(cases.length > 0, `cases of ${version}`);
  for await (const { name, ok, found } of runKernelTable({ cases, robust: () => false, ...how })) {
    t.ok(ok, `${name} by ${version}: nmse ${found.nmse}, max ${found.maxAbs}`);
  }
}
gpu.destroy();
