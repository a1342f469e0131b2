// Python environments for clients that tests and benches start: one for each requirements file, in Dawnlight's cache,
// made anew when the file changes. `node scripts/python.mjs FILE` prints the interpreter's path.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { build, built, installWithApt, run, runMain, SetupError } from './setup.mjs';

const isWindows = process.platform === 'win32';
const interpreter = (directory) => join(directory, ...(isWindows ? ['Scripts', 'python.exe'] : ['bin', 'python']));

/** @returns the interpreter of an environment that holds what `requirements` (a pip requirements file) lists */
export async function ensurePython(requirements) {
  const { dawnlightHome } = await built('home.js');
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const directory = join(dawnlightHome(), 'python', `${basename(dirname(requirements))}-${hash}`);
  if (existsSync(directory)) return interpreter(directory);
  // Made beside its place and moved there whole, so that a broken-off run or a second one leaves no half environment.
  const unfinished = `${directory}.${process.pid}`;
  mkdirSync(dirname(directory), { recursive: true });
  try {
    await makeEnvironment(unfinished);
    const pip = ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', '--retries', '2'];
    await run(interpreter(unfinished), [...pip, '-r', requirements], { quiet: true });
    if (!existsSync(directory)) renameSync(unfinished, directory);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return interpreter(directory);
}

/** Debian's python3 comes without the modules that `venv` needs; they are python3-venv. */
async function makeEnvironment(directory) {
  const make = () => run(isWindows ? 'python' : 'python3', ['-m', 'venv', directory], { quiet: 'always' });
  try {
    return await make();
  } catch {
    rmSync(directory, { recursive: true, force: true });
    await installWithApt('python3-venv', 'Python 3.10 or newer with venv and pip');
    return await make();
  }
}

if (process.argv[1] && import.meta.filename === process.argv[1]) {
  await runMain(async () => {
    const [file] = process.argv.slice(2);
    if (!file || !existsSync(file)) throw new SetupError('usage: node scripts/python.mjs REQUIREMENTS_FILE');
    await build();
    console.log(await ensurePython(file));
  });
}
