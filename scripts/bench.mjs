// `npm run bench -- NAME [FLAGS]`: compiles src and bench to .bench/ where they changed and runs .bench/bench/main.js there,
// which knows the benches and their flags (`npm run bench -- --help`, `npm run bench -- NAME --help`).
import { spawnSync } from 'node:child_process';
import { compileBenches } from './compile-benches.mjs';

compileBenches();
const { status } = spawnSync(process.execPath, ['.bench/bench/main.js', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
