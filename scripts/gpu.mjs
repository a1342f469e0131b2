// `npm run gpu [-- FLAGS]`: the kernel table, the models, speed at real shapes and the engine on this machine's adapter; one
// results file in bench/results/. FLAGS go to bench/gpu/main.ts.
// `npm run gpu -- --pack`: the same as one archive, dawnlight-gpu.tar.gz (some 50 MB: Node, Dawn, the Vulkan loader), for a machine
// with neither Node nor network: `tar xzf dawnlight-gpu.tar.gz && sh dawnlight-gpu/run.sh [FLAGS]`, which leaves dawnlight-gpu/gpu.json.
// The driver is the machine's own. With torch and transformers there, their speed is measured too (`gpu-peer.json`).
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileBenches } from './compile-benches.mjs';

const flags = process.argv.slice(2);
const run = (command, args, options = {}) => {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (error) console.error(error.message);
  if (status !== 0) process.exit(status ?? 1);
};

function runHere() {
  mkdirSync('bench/results', { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const out = flags.includes('--out') ? [] : ['--out', `bench/results/gpu-${date}.json`];
  run(process.execPath, ['.bench/bench/main.js', 'gpu', ...out, ...flags]);
}

/** Only what the benches import: whole node_modules would be ten times as much. gzip and tar are everywhere, xz is not. */
function pack() {
  const target = join('.gpu-pack', 'dawnlight-gpu');
  rmSync('.gpu-pack', { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const copy = (from, to = from, keep = () => true) =>
    cpSync(from, join(target, to), { recursive: true, dereference: true, filter: (path) => keep(path) });
  const code = (path) => statSync(path).isDirectory() || /\.(m?js|json|wgsl)$/.test(path);
  copy('.bench', '.bench', code);
  copy('test/fixtures/models');
  copy('package.json');
  copy('scripts/gpu-peer.py', 'gpu-peer.py');
  for (const name of ['zod', 'commander']) copy(`node_modules/${name}`, `node_modules/${name}`, code);
  for (const file of ['index.js', 'package.json']) copy(join('node_modules/webgpu', file));
  copy(join('node_modules/webgpu/dist', `${process.platform}-${process.arch}`));
  copy(process.execPath, 'node');
  const loader = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib']
    .map((directory) => join(directory, 'libvulkan.so.1'))
    .find((path) => existsSync(path));
  if (loader) copy(loader, 'lib/libvulkan.so.1');
  writeFileSync(join(target, 'run.sh'), runScript, { mode: 0o755 });
  const archive = 'dawnlight-gpu.tar.gz';
  run('tar', ['-C', '.gpu-pack', '--use-compress-program=gzip -9', '-cf', archive, 'dawnlight-gpu']);
  const megabytes = (statSync(archive).size / 1e6).toFixed(0);
  console.log(`${archive}: ${megabytes} MB; there: tar xzf ${archive} && sh dawnlight-gpu/run.sh`);
}

const runScript = `#!/bin/sh
# Runs bench/gpu with the Node beside this file and leaves gpu.json here; flags are passed on.
cd "$(dirname "$0")" || exit 1
PATH="$PATH:/sbin:/usr/sbin"
known() { ldconfig -p 2>/dev/null | grep -q "$1"; }
# Containers often have the driver but not the loader.
known libvulkan.so.1 || export LD_LIBRARY_PATH="$PWD/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
# NVIDIA's driver without its manifest: the EGL library serves Vulkan too, and needs no X11.
if ! ls /etc/vulkan/icd.d/*.json /usr/share/vulkan/icd.d/*.json >/dev/null 2>&1 && known libEGL_nvidia.so.0; then
  echo '{"file_format_version":"1.0.1","ICD":{"library_path":"libEGL_nvidia.so.0","api_version":"1.3.0"}}' > nvidia.json
  export VK_DRIVER_FILES="$PWD/nvidia.json"
fi
./node .bench/bench/main.js gpu --out gpu.json "$@"
code=$?
if python3 -c 'import torch, transformers' 2>/dev/null; then timeout 300 python3 gpu-peer.py | tee gpu-peer.json; fi
exit $code
`;

compileBenches();
if (flags.includes('--pack')) pack();
else runHere();
