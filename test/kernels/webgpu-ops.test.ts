/** WebGPUOps against ReferenceOps with the adapter's own kernels: the whole table, with validation and with production toggles. */
import t from 'tap';
import { runKernelTable } from '../helpers/kernel-table.ts';

// Most of the time is lavapipe's compiler, where no shader cache has the kernels yet.

for await (const { name, ok, found, production } of runKernelTable()) {
  t.ok(ok, `${name}: nmse ${found.nmse}, max ${found.maxAbs}; production toggles: max ${production.maxAbs}`);
}
