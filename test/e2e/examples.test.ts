/** The examples are short, and run as they stand, each in a process of its own. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { defaultModel } from '../helpers/default-model.ts';

const directory = fileURLToPath(new URL('../../examples/', import.meta.url));
/** What each prints, as far as it is known beforehand. */
const expected: Record<string, RegExp> = {
  'custom-scheduler.ts': /2 running, \d waiting\n[^]*\[ 30, 30, 30, 30, 30, 30 \]\n$/,
  'generate.ts': /^The capital of France is Paris[^]*\[length, 40 tokens\][^]*\(out of time\)\n$/,
  'logits-processor.ts': /^[^eE]{20,}\n$/,
  'swap-kernel.ts': /^WebGPUOps: +Paris[^]*\nHardSwishOps: +[^]+\n$/,
};
const model = defaultModel();

t.test('at most 60 lines each', async (t) => {
  t.same(
    readdirSync(directory).filter((file) => file.endsWith('.ts')),
    Object.keys(expected),
  );
  for (const file of Object.keys(expected)) {
    t.ok(
      readFileSync(directory + file, 'utf8')
        .trimEnd()
        .split('\n').length <= 60,
      file,
    );
  }
});

for (const [file, output] of Object.entries(expected)) {
  t.test(file, { skip: model.unavailable }, async (t) => {
    const run = promisify(execFile)(process.execPath, [...process.execArgv, directory + file, model.path]);
    t.match((await run).stdout, output);
  });
}
