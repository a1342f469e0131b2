/**
 * The WGSL that generators write or that is put together out of several files, for the smallest shape that runs of each, kept in
 * test/fixtures/wgsl for people to read: a change shows there what it changes. `UPDATE_FIXTURES=1 npx tap test/kernels/generated-wgsl.test.ts` rewrites them.
 * And `npm run wgsl`, which prints any kernel.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { findKernel, recordKernels } from '../helpers/kernel-texts.ts';
import { wgslCommand } from '../helpers/wgsl-command.ts';

const fixtures = new URL('../fixtures/wgsl/', import.meta.url);
const generated = {
  lavapipe: [
    'matmul.lavapipe.int4-32-q8-4x1',
    'matmul.lavapipe.int8-32-q8-4x1',
    'matmul.lavapipe.int4-32-f32-4x1',
    'matmul.lavapipe.f16-0-f32-8x1',
    'expert-matmul.lavapipe.int4-32-q8-4x1',
    'attention.lavapipe.decode',
    'attention.lavapipe.prefill',
    'decoder-layer.lavapipe',
  ],
  gpu: [
    'matmul.naive.f16-0-f32',
    'matmul.gemv.f16-0-f32-1x1x4',
    'matmul.gemv.int4-32-f32-1x1x4',
    'matmul.gemv.int4-32-f32-1x1x4-norm-gated',
    'matmul.gemv.int8-32-q8-1x4x4',
    'matmul.tiled.f16-0-f32-32x32x32-2x4',
    'matmul.matrix.int4-32-f32-16x32x64-f16-16x16x16-32',
    'matmul.gemv.int4-32-q8-1x1x4-experts',
    'embedding.rows.int8',
  ],
} as const;

for (const kernelSet of ['lavapipe', 'gpu'] as const) {
  t.test(`generated for ${kernelSet}`, async (t) => {
    const kernels = await recordKernels(kernelSet);
    for (const name of generated[kernelSet]) {
      const { kernel } = findKernel(kernels, name);
      if (!kernel) {
        t.fail(`no case makes ${name}`);
        continue;
      }
      const file = new URL(`${name}.wgsl`, fixtures);
      if (process.env.UPDATE_FIXTURES) {
        mkdirSync(fixtures, { recursive: true });
        writeFileSync(file, kernel.source);
      }
      // Not the texts themselves: a difference of thousands of lines is nothing to print.
      const same = kernel.source === readFileSync(file, 'utf8');
      t.ok(same, `${kernel.name} is test/fixtures/wgsl/${name}.wgsl (UPDATE_FIXTURES=1 rewrites it)`);
    }
  });
}

t.test('npm run wgsl lists the kernels with the sets that use them', async (t) => {
  const { out, code } = await wgslCommand([]);
  t.equal(code, 0);
  const lines = out.trimEnd().split('\n');
  const setsOf = (name: string) => lines.find((line) => line.split(' ')[0] === name)?.match(/ (lavapipe|gpu)\b/g);
  t.same(setsOf('softmax'), [' gpu']);
  t.same(setsOf('softmax.lavapipe'), [' lavapipe']);
  t.same(setsOf('take-rows'), [' lavapipe', ' gpu']);
  t.same(lines, [...lines].sort());
});

t.test('npm run wgsl -- NAME prints one as it runs', async (t) => {
  const argmax = await wgslCommand(['argmax', '--adapter', 'gpu']);
  t.match(argmax.out, /^\/\/ argmax for gpu, as for argmax .*\n\/\/ override constants: LEVEL = 1; or LEVEL = 2\n/);
  t.match(argmax.out, 'fn isSpoiled(value: f32) -> bool', 'an included function');
  t.equal(argmax.errors, '');

  const flash = await wgslCommand(['attention.flash.f16-4x64']);
  t.match(flash.out, /\nalias Stored = vec2<u32>;[^]*\nconst HEAD_DIM = 64u; [^]*\nconst ROWS = 4u;\n/);

  const family = await wgslCommand(['matmul.lavapipe.int4-32-q8']);
  t.match(family.out, /^\/\/ matmul\.lavapipe\.int4-32-q8-\S+ for lavapipe/);
  t.match(family.errors, /; there are also matmul\.lavapipe\.int4-32-q8-/, 'and names the rest of the family');
});

t.test('what it cannot print is said in a line', async (t) => {
  const errorsOf = async (...args: string[]) => {
    const { out, errors, code } = await wgslCommand(args);
    t.same([out, code], ['', 1], args.join(' '));
    return errors;
  };
  t.match(await errorsOf('softmax', '--adapter', 'metal'), /^--adapter: expected lavapipe or gpu, got metal$/m);
  t.match(await errorsOf('softmax.lavapipe', '--adapter', 'gpu'), /^there is no kernel softmax\.lavapipe; /);
  t.match(await errorsOf('--colour'), /'--colour'/);
});
