// TypeScript to dist/ without looking at types, a file at a time: half the time of `npm run build`, which adds declarations,
// and none of the packages that only types come from.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, root);
// A file alone does not know its package, which is of ES modules.
const compilerOptions = {
  ...options,
  module: ts.ModuleKind.ESNext,
  declaration: false,
  rootDir: undefined,
  outDir: undefined,
};
for (const fileName of fileNames.filter((name) => !name.endsWith('.d.ts'))) {
  const output = join(root, 'dist', relative(join(root, 'src'), fileName)).replace(/\.ts$/, '.js');
  const { outputText, sourceMapText } = ts.transpileModule(readFileSync(fileName, 'utf8'), {
    compilerOptions,
    fileName: basename(fileName),
  });
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(output, outputText);
  // Declared relative to the output, as tsc does.
  const map = { ...JSON.parse(sourceMapText), sources: [relative(dirname(output), fileName)] };
  writeFileSync(`${output}.map`, JSON.stringify(map));
}
