// `npm run test:adapters [-- NAME …] [--part kernels|versions|models|text] [--share 2/8]`: the whole kernel table, also by kernels
// that the table of kernels does not choose, the models against transformers' logits, and a greedy text of
// the default model, on each software adapter that a Debian machine has: lavapipe with vectors of its own width (its own
// kernels), of 128 and of 512 bits (the kernels for GPUs, at subgroups of 4 and 16), and SwiftShader (another compiler, no
// f16). `--part` runs one of the four, `--share 2/8` the second eighth of the cases and of the models. The last line is
// `N passed, N failed`.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
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

const tableOn = (partName, what) => async (name, env, share) => {
  const { said, code } = await part(partName, env, { robust: false, share });
  const { passed: right = 0, of = 1, failures = [] } = said ?? {};
  passed += right;
  for (const failure of failures) check(`${name}, kernel`, false, failure);
  const isWhole = code === 0 && right + failures.length === of;
  check(`${name}, ${what}`, isWhole, `ended with ${code} behind ${right} of ${of}`);
  return `${right} of ${of} cases of ${what}`;
};

async function modelsOn(name, env, share) {
  const { said, code } = await part('models', env, { share });
  const results = Object.entries(said ?? {});
  for (const [model, { ok, error }] of results) check(`${name}, ${model}`, ok, `off by ${error}`);
  check(`${name}, the models`, code === 0, `ended with ${code}`);
  const refused = results.filter(([, { refused }]) => refused).map(([model]) => model);
  const right = results.filter(([, { ok }]) => ok).length - refused.length;
  return `${right} of ${results.length} models${refused.length ? ` (refused: ${refused.join(', ')})` : ''}`;
}

/** What the adapters before it wrote is what this one must. */
let wanted = null;

async function greedyTextOn(name, env) {
  const text = await textOn(await setupMachine(), env);
  wanted ??= text;
  check(`${name}, greedy text`, text === wanted, `${JSON.stringify(text)} instead of ${JSON.stringify(wanted)}`);
  return JSON.stringify(text);
}

const parts = {
  kernels: tableOn('kernels', 'the kernel table'),
  versions: tableOn('versions', 'other versions of kernels'),
  models: modelsOn,
  text: greedyTextOn,
};

async function examine(name, partNames, share) {
  const begin = Date.now();
  const env = adapters[name];
  const adapter = await part('adapter', env);
  console.log(
    `${name}: ${adapter.said?.machine?.adapter ?? `ended with ${adapter.code}`}, kernels for ${adapter.said?.kernelSet}`,
  );
  const done = [];
  for (const partName of partNames) done.push(await parts[partName](name, env, share));
  console.log(`${name}: ${done.join(', ')}, ${Math.round((Date.now() - begin) / 1000)} s`);
}

function oneOf(what, name, all) {
  if (!(name in all)) throw new SetupError(`no ${what} ${name}; there are ${Object.keys(all).join(', ')}`);
  return name;
}

/** `2/8`: the second of eight pieces. */
function readShare(text) {
  const [, piece, of] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (!(piece >= 1 && piece <= of))
    throw new SetupError(`--share ${text}: give a piece and how many there are, as 2/8`);
  return { part: piece, of };
}

await runMain(async () => {
  const { values, positionals } = parseArgs({
    options: { part: { type: 'string', multiple: true }, share: { type: 'string' } },
    allowPositionals: true,
  });
  const names = (positionals.length ? positionals : Object.keys(adapters)).map((name) =>
    oneOf('adapter', name, adapters),
  );
  const partNames = (values.part ?? Object.keys(parts)).map((name) => oneOf('part', name, parts));
  const share = values.share === undefined ? undefined : readShare(values.share);
  await setupBuild();
  compileBenches();
  for (const name of names) await examine(name, partNames, share);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
});
