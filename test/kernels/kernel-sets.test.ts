/** The table of kernels is the only place that chooses by adapter, and every file that it names is there. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { KernelSet } from '../../src/gpu/device.ts';
import { kernelSets, type Variant } from '../../src/kernels/kernel-sets.ts';

const root = fileURLToPath(new URL('../../src/kernels/', import.meta.url));
const files = readdirSync(root, { recursive: true }).map(String);
const names = files.map((file) => basename(file).replace(/(\.wgsl)?(\.ts)?$/, ''));
/** Forms in which tensors lie, of which no file is named. */
const forms = ['texture', 'buffer', 'lanes', 'rows'];

t.test('each variant is a file', async (t) => {
  for (const [op, sets] of Object.entries(kernelSets))
    for (const [set, { variant, others = [], deterministic = [] }] of Object.entries<Variant>(sets)) {
      for (const name of deterministic)
        t.ok([variant, ...others].includes(name), `${op} on ${set}: ${name} is in the entry`);
      for (const name of [variant, ...others])
        if (name !== null && !forms.includes(name)) t.ok(names.includes(name), `${op} on ${set}: ${name}`);
    }
});

t.test('each kernel for lavapipe is in the table, or a part of one that is', async (t) => {
  const entries = Object.values<Record<KernelSet, Variant>>(kernelSets);
  const variants = entries.flatMap(({ lavapipe }) => [lavapipe.variant, ...(lavapipe.others ?? [])]);
  const texts = files.filter((file) => /\.(wgsl|ts)$/.test(file)).map((file) => readFileSync(root + file, 'utf8'));
  for (const file of files.filter((file) => file.endsWith('.lavapipe.wgsl'))) {
    // Included, or in front of what a generator writes.
    const part = new RegExp(`include: (\\.\\./[\\w-]+/)?${basename(file)}$|'(\\.\\./[\\w-]+/)?${basename(file)}'`, 'm');
    const isPart = texts.some((text) => part.test(text));
    t.ok(isPart || variants.includes(basename(file, '.wgsl')), file);
  }
});

t.test('nothing else in src/kernels asks for the set', async (t) => {
  const asking = files.filter((file) => file.endsWith('.ts') && /kernelSet\b/.test(readFileSync(root + file, 'utf8')));
  t.same(asking, ['webgpu-context.ts']);
});
