/**
 * The kernels for real GPUs, on whatever adapter is here: the core cases, against ReferenceOps, with validation on.
 * (`npm run gpu` runs the whole table, and with production toggles, on a GPU.)
 */
import t from 'tap';
import { runKernelTable } from '../helpers/kernel-table.ts';
import { allCases } from './cases/all-cases.ts';

// Most of the time is lavapipe's compiler, where no shader cache has the kernels yet.
t.setTimeout(900_000);

const cases = allCases.filter((kernelCase) => kernelCase.core);
for await (const { name, ok, found } of runKernelTable({ kernelSet: 'gpu', cases, production: false })) {
  t.ok(ok, `${name}: nmse ${found.nmse}, max ${found.maxAbs}`);
}
