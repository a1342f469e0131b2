// Dawn's notes about lavapipe's limits reach nobody; whatever else is written to standard error does, in its place.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { tempDir } from '../helpers/temp-dir.ts';

const module = new URL('../../src/gpu/dawn-notes.ts', import.meta.url).href;
const note = 'Warning: maxDynamicUniformBuffersPerPipelineLayout artificially reduced from 1000000 to 16 to fit.\\n';

/** A program that writes to descriptor 2 as native code does, before, while and after notes are held back. */
const program = `
  import { writeSync } from 'node:fs';
  import { withoutDawnNotes } from ${JSON.stringify(module)};
  console.error('before');
  try {
    withoutDawnNotes(() => {
      writeSync(2, '${note}Warning: vkCreateInstance: Found no drivers!\\n${note}');
      throw new Error('no adapter');
    });
  } catch (error) {
    console.error(error.message);
  }
  writeSync(2, '${note}');
  console.log('done');
`;
const all = ['before', 'Warning: vkCreateInstance: Found no drivers!', 'no adapter'];

function run(stderr: number | 'pipe', env: NodeJS.ProcessEnv, stdout: number | 'ignore' = 'ignore'): string {
  const args = ['--import', './test/helpers/typescript-loader.mjs', '--input-type=module', '-e', program];
  const { stderr: text, status } = spawnSync(process.execPath, args, {
    stdio: ['ignore', stdout, stderr],
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  t.equal(status, 0, text);
  return text;
}

t.test('into a file', { skip: process.platform !== 'linux' }, async (t) => {
  const [dir, temporary] = [tempDir(t), tempDir(t)];
  const file = (env: NodeJS.ProcessEnv): string[] => {
    const fd = openSync(join(dir, 'stderr'), 'w');
    run(fd, { TMPDIR: temporary, ...env });
    closeSync(fd);
    return readFileSync(join(dir, 'stderr'), 'utf8').trimEnd().split('\n');
  };
  const written = file({});
  t.same(written.slice(0, 3), all);
  t.equal(written.length, 4, 'the note behind it came from somewhere else');
  t.same(
    readdirSync(temporary).filter((name) => name.startsWith('dawnlight')),
    [],
    'nothing is left',
  );
  t.equal(file({ DAWNLIGHT_DEBUG: '1' }).length, 6, 'all of it for who looks for a fault');
});

t.test('into a file that standard output goes to as well', { skip: process.platform !== 'linux' }, async (t) => {
  for (const flags of ['w', 'a']) {
    const file = join(tempDir(t), 'log');
    const fd = openSync(file, flags);
    run(fd, {}, fd);
    closeSync(fd);
    const written = readFileSync(file, 'utf8').trimEnd().split('\n');
    for (const line of all) t.ok(written.includes(line), `${flags}: ${line} is not written over`);
    t.equal(written.at(-1), 'done');
  }
});

t.test('a socket cannot be opened again, and gets everything', async (t) => {
  const text = run('pipe', {});
  for (const line of all) t.match(text, line);
});
