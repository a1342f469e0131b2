// A bench whose process ends before it is done says so: something it waits for may not keep the process alive.
import { spawnSync } from 'node:child_process';
import t from 'tap';

const program = JSON.stringify(new URL('../../bench/program.ts', import.meta.url).href);
const script = `
  import { benchProgram } from ${program};
  const spec = { name: 'stuck', measures: 'nothing', flags: {}, examples: [''] };
  const load = async () => ({ run: () => new Promise(() => undefined) });
  await benchProgram([spec], load).parseAsync(['stuck'], { from: 'user' });
`;

t.test('the last line is JSON with an error, and the exit code 1', async (t) => {
  const { status, stdout } = spawnSync(
    process.execPath,
    ['--import', './test/helpers/typescript-loader.mjs', '--input-type=module', '-e', script],
    {
      encoding: 'utf8',
    },
  );
  t.equal(stdout, '{"bench":"stuck","error":"the process ended before the bench did"}\n');
  t.equal(status, 1);
});
