// What `npm run bench` promises about every bench: help, flags whose faults are one line, a last line of JSON.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { benchProgram, declaredBenches } from '../../bench/program.ts';
import { normalizeFlags, readSettings } from '../../src/commands/flags.ts';

const main = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));
const results = fileURLToPath(new URL('../../bench/results/', import.meta.url));
const specs = await declaredBenches();

function bench(...args: string[]): Promise<{ out: string; err: string; code: number }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', './test/helpers/typescript-loader.mjs', main, ...args], (error, out, err) =>
      resolve({ out, err, code: error === null ? 0 : Number(error.code) }),
    );
  });
}

t.test('bench/README.md has a row for each bench, in its own words', async (t) => {
  const readme = readFileSync(new URL('../../bench/README.md', import.meta.url), 'utf8');
  const rows = readme.split('\n').filter((line) => line.startsWith('| `'));
  const words = rows.map((row) => row.replaceAll(/ +/g, ' '));
  t.same(
    words,
    specs.map(({ name, measures }) => `| \`${name}\` | ${measures} |`),
  );
});

t.test('help says what is measured, every flag, and an example', async (t) => {
  for (const spec of specs) {
    const program = benchProgram([spec]);
    let help = '';
    const [command] = program.commands;
    command.configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    t.match(help.replaceAll(/\s+/g, ' '), spec.measures.replaceAll(/\s+/g, ' '), spec.name);
    for (const { flags } of Object.values(spec.flags)) t.match(help, `--${flags[0]}`, spec.name);
    t.match(help, `npm run bench -- ${spec.name}`);
  }
});

t.test('every example is a command line that the bench takes', async (t) => {
  for (const spec of specs) {
    for (const example of spec.examples) {
      const program = benchProgram([spec]);
      const [command] = program.commands;
      command.action(() => undefined);
      const words = (example.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''));
      const args = normalizeFlags([spec.name, ...words], program);
      t.doesNotThrow(() => program.exitOverride().parse(args, { from: 'user' }), `${spec.name} ${example}`);
      t.ok(readSettings(command, spec.flags));
    }
  }
});

t.test('a peer may be named or left to the cache', async (t) => {
  const peerOf = (...args: string[]): unknown => {
    const spec = specs.find(({ name }) => name === 'engine')!;
    const program = benchProgram([spec]);
    const [command] = program.commands;
    command.action(() => undefined);
    program.parse(['engine', ...args], { from: 'user' });
    return readSettings(command, spec.flags)['peer'];
  };
  t.equal(peerOf(), null);
  t.equal(peerOf('--peer', '--rounds', '1'), '');
  t.equal(peerOf('--peer', 'there'), 'there');
});

t.test('what is wrong with a flag is one line that names it', async (t) => {
  const cases: [string[], RegExp][] = [
    [['engine', '--rounds', 'x'], /^--rounds: expected an integer of at least 1, got "x"$/],
    [['scheduler', '--policy', 'fcfs,aggressive'], /got "fcfs,aggressive"; put spaces between several$/],
    [['scheduler', '--policy', 'lifo'], /^--policy: expected one of past-future, .*, got "lifo"$/],
    [['kernels', '--only', '('], /^--only: expected a regular expression, got "\("$/],
    [['kernels', '--shapes', '3'], /^--shapes: expected shapes such as 1536x576, got "3"$/],
    [['grammar', '--batches', '1,x'], /^--batches: expected counts such as 1,16, got "1,x"$/],
  ];
  for (const [args, message] of cases) {
    const program = benchProgram(specs);
    t.throws(() => program.parse(args, { from: 'user' }), { message }, args.join(' '));
  }
});

t.test('the last line is JSON, also of one that fails', async (t) => {
  const [a, b] = ['engine-2026-11-23-busy.jsonl', 'engine-2026-11-26.jsonl'].map((file) => results + file);
  const [good, failed] = await Promise.all([bench('compare', a, b), bench('compare', 'nowhere.jsonl', b)]);
  t.equal(good.code, 0);
  t.match(JSON.parse(good.out.trimEnd().split('\n').at(-1)!), { bench: 'compare', a, b });
  t.match(JSON.parse(failed.out), { bench: 'compare', error: 'nowhere.jsonl does not exist' });
  t.equal(failed.err, 'bench: nowhere.jsonl does not exist\n');
  t.equal(failed.code, 1);
});
