// `npm test`: set-up, then every check, quick ones first. The last line is `N passed, N failed`: tap's own count of
// assertions, and one failure for each other check that did not pass. The exit code is 0 only when nothing failed.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ensureChromium } from './chromium.mjs';
import { ensurePython } from './python.mjs';
import { installWithApt, root, run, runMain, setupBuild, setupMachine, SetupError, stage } from './setup.mjs';

let passed = 0;
let failed = 0;

async function check(name, work) {
  try {
    await stage(name, work);
    return true;
  } catch (error) {
    failed++;
    console.error(`${name} failed${error instanceof SetupError ? `: ${error.message}` : ''}`);
    if (!(error instanceof SetupError)) console.error(error);
    return false;
  }
}

const bin = (name) => join(root, 'node_modules', '.bin', name);
const cli = join(root, 'dist', 'cli.js');
const tool = (name, ...args) => run(bin(name), args, { quiet: true });

/**
 * Runs tap and shows one line for each file, and the whole of what failed.
 * tap ends its output with `# { total: 52, pass: 46, fail: 6 }`; without that line the run did not finish.
 */
async function unitTests(model, python, browser) {
  const tap = spawn(bin('tap'), ['--reporter=tap', '--disable-coverage', ...process.argv.slice(2)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      DAWNLIGHT_TEST_MODEL: model,
      DAWNLIGHT_TEST_PYTHON: python,
      DAWNLIGHT_TEST_CHROMIUM: browser,
    },
    shell: process.platform === 'win32',
  });
  const ended = new Promise((resolve) => tap.on('close', resolve));
  let totals = null;
  let section = [];
  for await (const line of createInterface({ input: tap.stdout })) {
    section.push(line);
    const total = /^# \{ total: \d+.*\}$/.exec(line);
    if (total) totals = total[0];
    const file = /^(not )?ok \d+ - (.*)$/.exec(line);
    if (!file) continue;
    if (file[1]) console.error(failuresOf(section).join('\n'));
    console.error(`${file[1] ? 'FAIL' : 'ok  '} ${file[2]}`);
    section = [];
  }
  const code = await ended;
  const count = (name) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(totals ?? '')?.[1] ?? 0);
  passed += count('pass');
  failed += count('fail');
  if (count('skip') + count('todo') > 0) console.error(`not run: ${count('skip') + count('todo')}`);
  if (totals === null) throw new SetupError('tap did not finish');
  if (code !== 0 && count('fail') === 0) throw new SetupError(`tap ended with code ${code}`);
}

/** A failing file's output without the assertions that passed. */
function failuresOf(lines) {
  return lines.filter((line) => !/^\s*(ok \d+|# Subtest|1\.\.\d+|# time)/.test(line));
}

/**
 * Fills the driver's shader cache with the default model's kernels, so that no test waits for them: compiled once, instead
 * of by each of the processes that start at the same time and find the cache empty.
 */
async function compileKernels(model) {
  const flags = [
    'generate',
    '--model_dir',
    model,
    '--prompt',
    'Hi',
    '--max_tokens',
    '1',
    '--max_total_token_num',
    '256',
    '--no-tiered-start',
  ];
  const generate = (activations) =>
    run(process.execPath, [cli, ...flags, '--activation_dtype', activations], { quiet: true });
  await Promise.all([generate('auto'), generate('f32')]);
}

async function checks() {
  if (!(await check('packages and build', () => setupBuild()))) return;
  let model = null;
  const machine = await check('adapter and model', async () => {
    model = await setupMachine();
  });
  if (!machine) return;
  let python = '';
  await check('clients', async () => {
    await run('curl', ['--version'], { quiet: 'always' }).catch(() => installWithApt('curl', 'curl'));
    python = await ensurePython(join(root, 'test', 'e2e', 'python', 'requirements.txt'));
  });
  let browser = '';
  await check('browser', async () => void (browser = await ensureChromium()));
  // Two at a time: each keeps one core busy.
  await Promise.all([
    check('kernels', () => compileKernels(model)).then(() =>
      check('format', () => tool('prettier', '--check', '--log-level=warn', '.')),
    ),
    check('types', () => tool('tsc', '-p', 'tsconfig.test.json')).then(() => check('lint', () => tool('eslint', '.'))),
  ]);
  await check('tests', () => unitTests(model, python, browser));
}

await runMain(async () => {
  await checks();
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
});
