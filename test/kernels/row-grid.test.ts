// Rows beyond what one dimension of a grid may have: that no launcher asks for more, and that no row is left out.
import t from 'tap';
import { rowGrid } from '../../src/kernels/row-grid.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { dryGpu } from '../helpers/dry-gpu.ts';
import { randomMatrix } from '../helpers/matrices.ts';

t.test('the two dimensions hold all rows', (t) => {
  for (const rows of [0, 1, 65535, 65536, 131070, 131071, 10_000_000]) {
    const [inRow, z] = rowGrid(rows);
    t.ok(inRow <= 65535 && z <= 65535 && inRow * z >= rows && (rows === 0 || inRow * (z - 1) < rows), `${rows}`);
  }
  t.end();
});

t.test('a step of 40,000 tokens with 8 experts each, and with 128 heads', async (t) => {
  const tokens = 40_000;
  const f32 = (...shape: number[]) => ({ shape, dtype: 'f32' as const, storage: {} });
  for (const kernelSet of ['lavapipe', 'gpu'] as const) {
    for (const activations of ['f32', 'int8'] as const) {
      const ops = new WebGPUOps(dryGpu(kernelSet), { activations });
      const experts = await ops.uploadMatrix({ ...randomMatrix(1, 16 * 64, 64, 'int4').source, experts: 16 });
      const heads = await ops.uploadMatrix({ ...randomMatrix(2, 128 * 8, 64, 'int4').source, experts: 128 });
      const next = await ops.uploadMatrix(randomMatrix(3, 64, 128 * 8, 'int4').source);
      const routing = f32(tokens, 16);
      t.doesNotThrow(() => {
        const gated = ops.gatedMul(f32(tokens * 8, 128), 'silu', { to: experts });
        ops.combine(ops.expertMatmul(gated, experts, routing), routing);
        ops.headMatmul(f32(tokens, 128 * 64), heads, { to: next });
      }, `${kernelSet}, ${activations}`);
    }
  }
});
