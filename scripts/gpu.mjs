// `npm run gpu [-- FLAGS]`: the kernel table, the models and speed at real shapes on this machine's adapter; one results
// file in bench/results/. FLAGS go to bench/gpu/main.ts.
// `npm run gpu -- --pack`: the same as a folder .gpu-pack/ (Node and all packages in it, some 45 MB) for a machine with neither
// Node nor network: copy it there and run `sh .gpu-pack/run.sh [FLAGS]`. With torch there, it times transformers too.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const flags = process.argv.slice(2);
const run = (command, args, options = {}) => {
  const { status } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (status !== 0) process.exit(status ?? 1);
};

run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json']);
run(process.execPath, ['scripts/copy-assets.mjs', '.bench/src']);
if (flags.includes('--pack')) pack('.gpu-pack');
else runHere();

function runHere() {
  mkdirSync('bench/results', { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const out = flags.includes('--out') ? [] : ['--out', `bench/results/gpu-${date}.json`];
  run(process.execPath, ['.bench/bench/gpu/main.js', ...out, ...flags]);
}

/** Only what bench/gpu imports, compressed: whole node_modules would be ten times as much. */
function pack(target) {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(join(target, 'node_modules', 'webgpu'), { recursive: true });
  cpSync('.bench', join(target, '.bench'), { recursive: true });
  cpSync('test/fixtures/models', join(target, 'test/fixtures/models'), { recursive: true });
  cpSync('package.json', join(target, 'package.json'));
  cpSync('scripts/gpu-peer.py', join(target, 'gpu-peer.py'));
  cpSync('node_modules/zod', join(target, 'node_modules/zod'), { recursive: true });
  for (const file of ['index.js', 'package.json']) {
    cpSync(join('node_modules/webgpu', file), join(target, 'node_modules/webgpu', file));
  }
  const addon = join('dist', `${process.platform}-${process.arch}`);
  cpSync(join('node_modules/webgpu', addon), join(target, 'node_modules/webgpu', addon), { recursive: true });
  cpSync(process.execPath, join(target, 'node'));
  run('xz', ['-T0', '-6', join(target, 'node'), join(target, 'node_modules/webgpu', addon, 'dawn.node')]);
  writeFileSync(join(target, 'run.sh'), runScript(addon), { mode: 0o755 });
  console.log(
    `${target}: ${(directorySize(target) / 1e6).toFixed(0)} MB; run it with: sh ${target}/run.sh [--out FILE]`,
  );
}

function runScript(addon) {
  return `#!/bin/sh
# Unpacks Node and Dawn beside this file and runs bench/gpu; flags are passed on.
set -e
cd "$(dirname "$0")"
for f in node node_modules/webgpu/${addon}/dawn.node; do [ -f "$f" ] || xz -dk "$f.xz"; done
chmod +x node
if python3 -c 'import torch, transformers' 2>/dev/null; then python3 gpu-peer.py || true; fi
exec ./node .bench/bench/gpu/main.js "$@"
`;
}

function directorySize(path) {
  const { stdout } = spawnSync('du', ['-sk', path], { encoding: 'utf8' });
  return Number(stdout?.split('\t')[0]) * 1024 || statSync(path).size;
}
