/** ReferenceOps against each op's formula in float64: the definition of every op is right. */
import t from 'tap';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { allCases } from './cases/all-cases.ts';
import { difference, within } from './cases/case.ts';

for (const kernelCase of allCases) {
  t.test(kernelCase.name, async (t) => {
    const ops = new ReferenceOps({ activations: kernelCase.activations ?? 'f32' });
    const record = await kernelCase.prepare(ops);
    const found = difference(await ops.read(record()), kernelCase.expected());
    t.ok(within(found, kernelCase.referenceBound), `nmse ${found.nmse}, max ${found.maxAbs}`);
  });
}
