/** A kernel's text out of files, includes and defines; what is misspelled is an error, never the old text. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { EngineError } from '../../src/errors.ts';
import { compose, composeWith } from '../../src/gpu/wgsl.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const dir = tempDir(t);
const base = pathToFileURL(join(dir, 'launcher.ts')).href;
const write = (name: string, text: string) => writeFileSync(join(dir, name), text);

write('shared.wgsl', 'enable subgroups;\nfn shared() {}\n');
write('half.wgsl', '// include: shared.wgsl\nfn half() { shared(); }\n');
write(
  'kernel.wgsl',
  `// What it does.
// include: shared.wgsl
// include: half.wgsl
alias Element = f32;
const ROWS = 4u; // a comment stays
const EPS = 0.5;
fn main() {}
`,
);

t.test('includes are put in once, directives go to the top', async (t) => {
  t.equal(
    compose('kernel.wgsl', base),
    `enable subgroups;
// What it does.
fn shared() {}
fn half() { shared(); }
alias Element = f32;
const ROWS = 4u; // a comment stays
const EPS = 0.5;
fn main() {}
`,
  );
  t.equal(
    compose(['shared.wgsl', 'half.wgsl'], base),
    'enable subgroups;\nfn shared() {}\n\nfn half() { shared(); }\n',
  );
  t.equal(
    composeWith(['shared.wgsl'], base, 'diagnostic(off, x);\nfn main() {}\n'),
    'enable subgroups;\ndiagnostic(off, x);\nfn shared() {}\nfn main() {}\n',
  );
});

t.test('a define takes the place of a constant or an alias', async (t) => {
  const text = compose('kernel.wgsl', base, { ROWS: 16, Element: 'f16', EPS: 0.25 });
  t.match(text, /^enable f16;\nenable subgroups;\n/);
  t.match(text, '\nalias Element = f16;\nconst ROWS = 16u; // a comment stays\nconst EPS = 0.25;\n');
});

t.test('another file takes the place of an included one, wherever its line stands', async (t) => {
  write('other.wgsl', 'fn shared() { other(); }\n');
  const text = compose('kernel.wgsl', base, { 'shared.wgsl': 'other.wgsl', ROWS: 2 });
  t.match(text, /^\/\/ What it does\.\nfn shared\(\) \{ other\(\); \}\nfn half\(\) \{ shared\(\); \}\n/);
  t.match(text, 'const ROWS = 2u;');
});

t.test('what does not fit is said, with what there is', async (t) => {
  const failure = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      return (error as EngineError).message;
    }
    return 'nothing thrown';
  };
  t.equal(
    failure(() => compose('kernel.wgsl', base, { ROW: 16 })),
    'kernel.wgsl declares no ROW; it has Element, ROWS, EPS',
  );
  t.equal(
    failure(() => compose('kernel.wgsl', base, { 'share.wgsl': 'half.wgsl' })),
    'kernel.wgsl includes no share.wgsl; it includes shared.wgsl, half.wgsl',
  );
  t.match(
    failure(() => compose('kernel.wgsl', base, { 'shared.wgsl': 'share.wgsl' })),
    /share\.wgsl, which kernel\.wgsl includes, cannot be read$/,
  );
  t.equal(
    failure(() => compose('kernel.wgsl', base, { Element: 2 })),
    'kernel.wgsl: Element is f32, for which 2 cannot stand',
  );
  t.equal(
    failure(() => compose(['kernel.wgsl', 'kernel2.wgsl'], base)),
    `the kernel file ${join(dir, 'kernel2.wgsl')} cannot be read`,
  );
  write('twice.wgsl', 'const A = 1u;\nconst A = 2u;\n');
  t.equal(
    failure(() => compose('twice.wgsl', base, { A: 3 })),
    'twice.wgsl declares A 2 times',
  );
  write('lost.wgsl', '// include: none.wgsl\n');
  t.match(
    failure(() => compose('lost.wgsl', base)),
    /none\.wgsl, which lost\.wgsl includes, cannot be read$/,
  );
  write('typo.wgsl', '// includes: shared.wgsl\n');
  t.match(
    failure(() => compose('typo.wgsl', base)),
    /typo\.wgsl: \/\/ includes: shared\.wgsl is no include line/,
  );
});
