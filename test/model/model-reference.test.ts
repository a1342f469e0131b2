/** Every architecture on ReferenceOps: the model code is right when the ops are. */
import t from 'tap';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { checkpoints, examine } from '../helpers/model-exam.ts';

for (const { name, stored } of checkpoints)
  t.test(name, async (t) => {
    await examine(t, new ReferenceOps(), name, { stored, f16KV: 5e-3, chunking: 0, quantized: 1e-6 });
  });
