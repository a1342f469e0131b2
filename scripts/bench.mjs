// `npm run bench -- NAME [ARGS…]`: compiles src and bench to .bench/ and runs bench/NAME/main.ts there.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync } from 'node:fs';

const [name, ...args] = process.argv.slice(2);
const names = readdirSync('bench', { withFileTypes: true }).flatMap((d) =>
  existsSync(`bench/${d.name}/main.ts`) ? [d.name] : [],
);
if (!names.includes(name)) {
  console.error(`usage: npm run bench -- NAME [ARGS…], NAME one of ${names.join(', ')}`);
  process.exit(1);
}
const run = (command, argv) => {
  const { status } = spawnSync(command, argv, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};
run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json']);
run(process.execPath, ['scripts/copy-assets.mjs', '.bench/src']);
copyFileSync('package.json', '.bench/package.json');
run(process.execPath, [`.bench/bench/${name}/main.js`, ...args]);
