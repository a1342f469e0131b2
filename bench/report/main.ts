/** docs/benchmarks.md and its plots, written or checked. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { RunBench } from '../helpers/declare.ts';
import { renderReport } from './page.ts';
import type { spec } from './flags.ts';

export const run: RunBench<typeof spec> = async ({ check }) => {
  const files = await renderReport('.');
  const stale = [...files].filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text);
  for (const [path, text] of stale) {
    if (!check) writeFileSync(path, text);
    console.log(`${path}: ${check ? 'not up to date' : 'written'}`);
  }
  const result = { files: files.size, [check ? 'stale' : 'written']: stale.map(([path]) => path) };
  return { result, exitCode: check && stale.length > 0 ? 1 : 0 };
};
