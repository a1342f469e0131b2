// TypeScript of src/, bench/ and what benches share with the tests to .bench/, when it is older than its sources.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folders = ['adapters', 'src', 'bench', 'test/kernels/cases', 'test/helpers'];
const others = ['tsconfig.json', 'tsconfig.bench.json', 'package.json', 'package-lock.json'];
const stamp = '.bench/compiled';

const changedAt = (path) => statSync(path).mtimeMs;
/** Folders count too: that is where a removed file shows. */
const newest = () =>
  Math.max(
    ...others.map(changedAt),
    ...folders.flatMap((folder) =>
      [folder, ...readdirSync(folder, { recursive: true }).map((f) => join(folder, f))].map(changedAt),
    ),
  );

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

export function compileBenches() {
  if (existsSync(stamp) && changedAt(stamp) > newest()) return;
  const begin = Date.now();
  // Nothing of a file that is gone may be left: a bench is what has a folder.
  for (const folder of ['src', 'bench', 'test']) rmSync(join('.bench', folder), { recursive: true, force: true });
  run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json');
  run('scripts/copy-assets.mjs', '.bench/src');
  copyFileSync('package.json', '.bench/package.json');
  cpSync('adapters', '.bench/adapters', { recursive: true });
  writeFileSync(stamp, '');
  console.error(`compiled in ${((Date.now() - begin) / 1000).toFixed(1)} s`);
}
