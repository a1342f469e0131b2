/** ReferenceOps against each op's formula in float64: the definition of every op is right. */
import t from 'tap';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { attentionCases } from './cases/attention-cases.ts';
import { difference, within } from './cases/case.ts';
import { indexCases } from './cases/index-cases.ts';
import { matmulCases } from './cases/matmul-cases.ts';
import { normCases } from './cases/norm-cases.ts';

for (const kernelCase of [...normCases, ...matmulCases, ...indexCases, ...attentionCases]) {
  t.test(kernelCase.name, async (t) => {
    const ops = new ReferenceOps({ activations: kernelCase.activations ?? 'f32' });
    const record = await kernelCase.prepare(ops);
    const found = difference(await ops.read(record()), kernelCase.expected());
    t.ok(within(found, kernelCase.referenceBound), `nmse ${found.nmse}, max ${found.maxAbs}`);
  });
}
