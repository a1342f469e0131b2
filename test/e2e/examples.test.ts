// The examples are short, and run as they stand and as README says: `npm run example -- NAME MODEL`. Where it matters
// what the model says it is the default one, elsewhere a tiny one.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { writeTinyModel } from '../../bench/server/tiny-model.ts';
import { defaultModel } from '../helpers/default-model.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const examples = join(root, 'examples');
const model = defaultModel();
const tiny = writeTinyModel();

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Into files, as in a terminal: what native code writes to standard error counts too. */
async function example(t: Test, ...args: string[]): Promise<Run> {
  const files = ['out', 'err'].map((name) => join(tempDir(t), name));
  const [out, err] = files.map((file) => openSync(file, 'w'));
  const child = spawn('npm', ['run', '--silent', 'example', '--', ...args], {
    cwd: root,
    stdio: ['ignore', out, err],
    shell: process.platform === 'win32',
  });
  [out, err].forEach((fd) => closeSync(fd));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const [text, errors] = files.map((file) => readFileSync(file, 'utf8'));
  return { code, out: text, err: errors };
}

t.test('at most 60 lines each, and as a user of the package would write them', async (t) => {
  for (const file of readdirSync(examples)) {
    const text = readFileSync(join(examples, file), 'utf8');
    t.ok(text.trimEnd().split('\n').length <= 60, file);
    t.notMatch(text, /from '\./, file);
    t.match(text, /from 'dawnlight'/, file);
  }
});

t.test('they are listed, and a name that is none is a line', async (t) => {
  const { out, code } = await example(t, '--help');
  t.equal(code, 0);
  for (const file of readdirSync(examples)) t.match(out, new RegExp(`^  ${basename(file, '.ts')} +\\w`, 'm'));
  const wrong = await example(t, 'nothing');
  t.match(wrong, { code: 1, out: '', err: /^there is no example nothing; there are custom-scheduler, [^\n]+\n$/ });
});

const runs: readonly { name: string; path: string; skip?: string | false; prints: RegExp }[] = [
  {
    name: 'generate',
    path: model.path,
    skip: model.unavailable,
    prints: /^The capital of France is Paris[^]*\[length, 40 tokens\][^]*\(out of time\)\n$/,
  },
  { name: 'custom-scheduler', path: tiny, prints: /2 running, \d waiting\n[^]*\[ 30, 30, 30, 30, 30, 30 \]\n$/ },
  { name: 'logits-processor', path: tiny, prints: /^[^eE]{20,}\n$/ },
  {
    name: 'swap-kernel',
    path: model.path,
    skip: model.unavailable,
    prints: /^WebGPUOps: +Paris[^]*\nHardSwishOps: [^]+\n$/,
  },
  {
    name: 'tools',
    path: tiny,
    prints:
      /^get_weather\(\{"city": ?"(Paris|Oslo|Rome)"\}\)\n\{ city: '(Paris|Oslo|Rome)', sky: '\w+', cold: (true|false) \}\n$/,
  },
];

for (const { name, path, skip = false, prints } of runs) {
  t.test(name, { skip }, async (t) => {
    const { code, out, err } = await example(t, name, path);
    t.equal(code, 0, err);
    t.match(out, prints);
    t.match(err, /^loading \S+ and compiling its kernels$/m);
    t.notMatch(err, /artificially reduced|Promise not resolved/);
    if (name !== 'swap-kernel') return;
    const [builtIn, own] = out.split(/^HardSwishOps: /m);
    t.not(builtIn.replace('WebGPUOps: ', ''), own, 'the kernel of its own is the one that runs');
  });
}

t.test('every example is among them', async (t) => {
  t.same(
    readdirSync(examples).map((file) => basename(file, '.ts')),
    runs.map(({ name }) => name).sort(),
  );
});
