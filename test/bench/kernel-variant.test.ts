// `npm run bench -- kernels --variant FILE`: a kernel of one's own, first its values, then its time.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { matmulBench, matmulBenches, opBenches } from '../../bench/kernels/cases.ts';
import { compareVariant } from '../../bench/kernels/compare-variant.ts';
import { casesOf } from '../../bench/kernels/dry-run.ts';
import { loadVariant } from '../../bench/kernels/variant.ts';
import { openGpu } from '../../src/gpu/device.ts';
import { dryGpu } from '../helpers/dry-gpu.ts';
import { gatedMulCase, softmaxCase } from '../kernels/cases/norm-cases.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const gpu = await openGpu({ validation: false });
t.teardown(() => gpu.destroy());
const name = gpu.kernelSet === 'gpu' ? 'softmax' : 'softmax.lavapipe';
const kernel = readFileSync(new URL(`../../src/kernels/softmax/${name}.wgsl`, import.meta.url), 'utf8');
const dir = tempDir(t);

function write(name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

const compare = async (file: string, replaces: string | null, only = /49152/) => {
  const options = { kernelSet: gpu.kernelSet, rounds: 2, only };
  return compareVariant(await loadVariant(file, replaces), gpu, opBenches(), options);
};

t.test('a right kernel is timed beside the built-in one, on the shapes that it serves', async (t) => {
  const own = write(
    'own.wgsl',
    kernel.replaceAll('exp(x[row + i] - largest)', 'exp2((x[row + i] - largest) * 1.442695)'),
  );
  const { cases, failures, rows } = await compare(own, name);
  t.ok(cases >= 4);
  t.same(failures, []);
  t.same(
    rows.map(({ name }) => name),
    ['softmax [1, 49152] of ±10'],
  );
  const [{ ratio, control }] = rows;
  for (const { median, p10, p90 } of [ratio, control]) t.ok(p10 > 0 && p10 <= median && median <= p90);
});

t.test('a wrong one is not timed', async (t) => {
  const wrong = write(`${name}.wgsl`, kernel.replace('* scale;', '* scale * 1.01;'));
  const { failures, rows } = await compare(wrong, null);
  t.match(failures[0], /^softmax .*: nmse /);
  t.same(rows, []);
});

t.test('a module overrides ops; what it gets wrong is seen too', async (t) => {
  const module = write(
    'ops.mjs',
    `export default (Base) => class extends Base {
       softmax(x) { return super.softmax(super.softmax(x)); }
     };`,
  );
  const { failures, rows } = await compare(module, null);
  t.match(failures[0], /^softmax /);
  t.same(rows, []);
});

t.test('a file of functions stands in for that of every kernel that includes it', async (t) => {
  const functions = new URL('../../src/kernels/gated-mul/gated.wgsl', import.meta.url);
  const variant = await loadVariant(write('gated.wgsl', readFileSync(functions, 'utf8')), null);
  const large = matmulBench('f32', 'f32', { tokens: 1, rows: 4096, cols: 1100 });
  // The large one is more than an upload may stage at a time.
  const cases = [gatedMulCase(1, 64, false), gatedMulCase(1, 64, true), large, softmaxCase(1, 64, 1)];
  const found = await casesOf(variant, cases, gpu, gpu.kernelSet);
  t.same(found, cases.slice(0, 2), 'in f32 and q8');
});

t.test('another version of the table is tried by its name', async (t) => {
  const variant = await loadVariant('matmul.naive', null);
  const seen = new Set<string>();
  const { used } = await variant.during(async () => {
    const device = dryGpu('gpu', {}, ({ name }) => seen.add(name));
    const ops = variant.createOps(device, { kernelSet: 'gpu', activations: 'int8' });
    for (const bench of matmulBenches([[57, 64]], [1, 16])) (await bench.prepare(ops))();
  });
  t.ok(used);
  t.same(
    [...seen].filter((name) => name.startsWith('matmul')).map((name) => name.replace(/-.*/, '')),
    ['f32', 'f16', 'bf16', 'int8', 'int8', 'int4', 'int4'].map((format) => `matmul.naive.${format}`),
  );
  const elsewhere = await variant.during(async () => {
    const ops = variant.createOps(dryGpu('gpu'), { kernelSet: 'gpu' });
    ops.softmax(ops.uploadF32(new Float32Array(4), [1, 4]));
  });
  t.notOk(elsewhere.used, 'which other ops do not use');
});

t.test('what cannot be tried is said in a line', async (t) => {
  const file = write('mine.wgsl', kernel);
  await t.rejects(loadVariant(file, null), { message: /there is no kernel mine; there are .*softmax, / });
  await t.rejects(loadVariant(join(dir, 'none.wgsl'), null), { message: /does not exist/ });
  await t.rejects(loadVariant('matmul.nave', null), { message: /or one of .*matmul\.naive, .*, got matmul\.nave/ });
  await t.rejects(loadVariant(write('empty.mjs', ''), null), { message: /must export default/ });
  const other = gpu.kernelSet === 'gpu' ? 'softmax.lavapipe' : 'softmax';
  await t.rejects(compare(file, other), {
    message: new RegExp(`no case of the kernel set ${gpu.kernelSet} uses ${other}.wgsl; --kernels .* does`),
  });
});
