// `npm run example -- NAME [MODEL]`: runs examples/NAME.ts against the build, as a program that has `dawnlight` in its
// node_modules would. MODEL is a Hugging Face directory, a .gguf file or a pulled model; without it the default one.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { built, root, runMain, setupBuild, SetupError } from './setup.mjs';

const [name, model = ''] = process.argv.slice(2);
const folder = join(root, 'examples');
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'));

/** Each example begins with a comment that says what it shows. */
function list() {
  const about = (one) => /^\/\*\*[\s*]*(.*?)[.:?!]/.exec(readFileSync(join(folder, `${one}.ts`), 'utf8'))?.[1] ?? '';
  const lines = names.map((one) => `  ${one.padEnd(20)} ${about(one)}`);
  return `usage: npm run example -- NAME [MODEL]\n\n${lines.join('\n')}\n`;
}

await runMain(async () => {
  if (name === undefined || name === '--help') {
    console.log(list());
    return name === undefined ? 1 : 0;
  }
  if (!names.includes(name)) throw new SetupError(`there is no example ${name}; there are ${names.join(', ')}`);
  await setupBuild();
  const { modelPath } = await built('commands/load.js');
  const path = await modelPath(model).catch((error) => {
    throw new SetupError(error.message);
  });
  console.error(`loading ${basename(path)} and compiling its kernels`);
  const child = spawn(process.execPath, ['--import', 'tsx', join(folder, `${name}.ts`), path], { stdio: 'inherit' });
  return await new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));
});
