/**
 * The WGSL that the generators write, for one shape each, kept in test/fixtures/wgsl for people to read: a change of a
 * generator shows there what it changes. `UPDATE_FIXTURES=1 npx tap test/kernels/generated-wgsl.test.ts` rewrites them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { rowsEmbeddingKernel } from '../../src/kernels/embedding/embedding.rows.wgsl.ts';
import { gemvKernel, type GemvSpec } from '../../src/kernels/matmul/matmul.gemv.wgsl.ts';
import { tiledKernel } from '../../src/kernels/matmul/matmul.tiled.wgsl.ts';

const plain = { ragged: false, bias: false, residual: false } as const;
const gemv: GemvSpec = { format: 'int4', groupSize: 32, input: 'f32', rows: 2, tokens: 1, ...plain, residual: true };
const tile = { tileTokens: 32, tileRows: 32, tileCols: 32, perToken: 2, perRow: 4 };

const generated = {
  'matmul.gemv.int4': gemvKernel(gemv),
  'matmul.gemv.int8-q8': gemvKernel({ ...gemv, format: 'int8', input: 'q8', tokens: 2, residual: false }),
  'matmul.tiled.f16': tiledKernel({ format: 'f16', groupSize: 0, input: 'f32', ...tile, ...plain }),
  'embedding.rows.int8': rowsEmbeddingKernel({ format: 'int8', groupSize: 32 }),
};

for (const [name, source] of Object.entries(generated)) {
  const file = new URL(`../fixtures/wgsl/${name}.wgsl`, import.meta.url);
  if (process.env.UPDATE_FIXTURES) writeFileSync(file, source);
  t.equal(source, readFileSync(file, 'utf8'), name);
}
