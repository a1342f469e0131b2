/** Every architecture on ReferenceOps: the model code is right when the ops are. */
import t from 'tap';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { architectures } from '../../src/model/architectures/registry.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { checkpoints, examine, fixturePath } from '../helpers/model-exam.ts';

t.test('every architecture takes the exam', async (t) => {
  const examined = checkpoints.map(({ name }) => {
    const model = openModel(fixturePath(name));
    model.close();
    return model.config.modelType;
  });
  const missing = architectures.map(({ modelType }) => modelType).filter((name) => !examined.includes(name));
  t.same(
    missing,
    [],
    'each has a checkpoint in test/helpers/model-exam.ts (docs/adding-a-model.md says how to make one)',
  );
});

for (const { name, stored } of checkpoints)
  t.test(name, async (t) => {
    await examine(t, new ReferenceOps(), name, {
      stored,
      f16KV: 5e-3,
      int8KV: 5e-2,
      int4KV: 0.25,
      chunking: 0,
      quantized: 1e-6,
    });
  });
