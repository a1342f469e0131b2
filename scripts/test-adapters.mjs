// `npm run test:adapters [-- NAME …]`: the whole kernel table, the models against transformers' logits, and a greedy text of
// the default model, on each software adapter that a Debian machine has: lavapipe with vectors of its own width (its own
// kernels), of 128 and of 512 bits (the kernels for GPUs, at subgroups of 4 and 16), and SwiftShader (another compiler, no
// f16). The last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { compileBenches } from './compile-benches.mjs';
import { root, runMain, setupBuild, setupMachine, SetupError } from './setup.mjs';

const swiftShader = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome']
  .map((folder) => join(folder, 'vk_swiftshader_icd.json'))
  .find(existsSync);
if (!swiftShader) console.error('SwiftShader is not here (Debian: apt install chromium): left out');

const adapters = {
  lavapipe: {},
  'lavapipe-128': { LP_NATIVE_VECTOR_WIDTH: '128' },
  'lavapipe-512': { LP_NATIVE_VECTOR_WIDTH: '512' },
  ...(swiftShader && { swiftshader: { VK_DRIVER_FILES: swiftShader, VK_ICD_FILENAMES: swiftShader } }),
};

let passed = 0;
let failed = 0;

function check(what, ok, why = '') {
  if (ok) passed++;
  else failed++;
  if (!ok) console.log(`FAIL ${what}${why && `: ${why}`}`);
}

/** Runs a program; its output, line by line, and its exit code. */
async function run(args, env) {
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)));
  const lines = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (/^ +(FAIL|\S.*: \d+ s$)/.test(line)) console.log(line);
  }
  return { lines, code: await ended };
}

/** What a part of bench/gpu said last. */
async function part(name, env, options = {}) {
  const { lines, code } = await run(['.bench/bench/gpu/part.js', name, JSON.stringify(options)], env);
  const said = lines.filter((line) => line.startsWith('{')).at(-1);
  return { said: said && JSON.parse(said), code };
}

async function textOn(model, env) {
  const prompt = 'The three largest cities of France are';
  const flags = [
    '--activation_dtype',
    'f32',
    '--temperature',
    '0',
    '--max_tokens',
    '16',
    '--max_total_token_num',
    '256',
  ];
  const args = [
    join('dist', 'cli.js'),
    'generate',
    '--model_dir',
    model,
    '--prompt',
    prompt,
    '--no-tiered-start',
    ...flags,
  ];
  const { lines, code } = await run(args, env);
  return code === 0 ? lines.join('\n') : `ended with ${code}`;
}

async function examine(name, env, model, wanted) {
  const begin = Date.now();
  const adapter = await part('adapter', env);
  console.log(
    `${name}: ${adapter.said?.machine?.adapter ?? `ended with ${adapter.code}`}, kernels for ${adapter.said?.kernelSet}`,
  );
  const kernels = await part('kernels', env, { robust: false });
  const { passed: right = 0, of = 1, failures = [] } = kernels.said ?? {};
  passed += right;
  for (const failure of failures) check(`${name}, kernel`, false, failure);
  check(
    `${name}, the kernel table`,
    kernels.code === 0 && right + failures.length === of,
    `ended with ${kernels.code} behind ${right} of ${of}`,
  );
  const models = await part('models', env);
  for (const [model, { ok, error }] of Object.entries(models.said ?? {}))
    check(`${name}, ${model}`, ok, `off by ${error}`);
  check(`${name}, the models`, models.code === 0, `ended with ${models.code}`);
  const text = await textOn(model, env);
  check(
    `${name}, greedy text`,
    wanted === null || text === wanted,
    `${JSON.stringify(text)} instead of ${JSON.stringify(wanted)}`,
  );
  console.log(
    `${name}: ${right} of ${of} kernel cases, ${Object.keys(models.said ?? {}).length} models, ${Math.round((Date.now() - begin) / 1000)} s`,
  );
  return text;
}

await runMain(async () => {
  await setupBuild();
  compileBenches();
  const model = await setupMachine();
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(adapters);
  for (const name of names)
    if (!(name in adapters)) throw new SetupError(`no adapter ${name}; there are ${Object.keys(adapters).join(', ')}`);
  let wanted = null;
  for (const name of names) wanted = await examine(name, adapters[name], model, wanted);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
});
