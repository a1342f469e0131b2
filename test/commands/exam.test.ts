// `dawnlight exam`: a checkpoint beside what transformers answered about it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Expected } from '../../src/commands/exam/expected.ts';
import { startCli } from '../helpers/cli.ts';
import { fixturePath } from '../helpers/model-exam.ts';
import { tempDir } from '../helpers/temp-dir.ts';

// Made by scripts/make-exam.py.
const answers = 'test/fixtures/exams/llama-biases-llama3.json';
const directory = tempDir(t);

async function exam(expected: string, model = 'llama-biases-llama3') {
  const args = ['exam', '--model_dir', fixturePath(model), '--max_total_token_num', '600', '--expected', expected];
  const { output, code } = startCli(args);
  return { code: await code, ...output };
}

function changed(change: (expected: Expected) => void): string {
  const expected = JSON.parse(readFileSync(answers, 'utf8')) as Expected;
  change(expected);
  const path = join(directory, 'changed.json');
  writeFileSync(path, JSON.stringify(expected));
  return path;
}

t.test('the right model passes, alone, from the cache and in company', async (t) => {
  const { code, out } = await exam(answers);
  t.equal(code, 0, out);
  const rows = [...out.matchAll(/^(alone|from the cache|together) +(\d+) +(\d+) +24 of 24 +\S+ at \d+$/gm)];
  t.same(
    rows.map(([, schedule, prompt]) => `${schedule} ${prompt}`),
    [
      ...[5, 37, 120].flatMap((n) => [`alone ${n}`, `from the cache ${n}`]),
      'together 5',
      'together 37',
      'together 120',
    ],
  );
  for (const [, schedule, , cached] of rows) t.equal(Number(cached) > 0, schedule === 'from the cache');
  const [, worst] = /^passed: largest difference of a log-probability (\S+),/m.exec(out)!;
  t.ok(Number(worst) < 1e-4, worst);
});

t.test('a wrong log-probability or token fails, and is found', async (t) => {
  const wrong = await exam(changed(({ cases }) => (cases[1].prompt_logprobs[30]! -= 0.01)));
  t.equal(wrong.code, 1);
  t.match(wrong.out, /^alone +37 .* 1\.0e-2 at 30$/m);
  t.match(wrong.out, /^FAILED: .* 1\.0e-2, at most 0\.002 wanted$/m);
  const other = await exam(changed(({ cases }) => (cases[0].token_ids[3] = (cases[0].token_ids[3] + 1) % 307)));
  t.equal(other.code, 1);
  t.match(other.out, /^alone +5 +0 +3 of 24 /m);
});

t.test('answers that cannot be used are refused in one line', async (t) => {
  const refused = async (path: string, message: RegExp, model?: string): Promise<void> => {
    const { code, err } = await exam(path, model);
    t.equal(code, 1);
    t.match(err, message);
    t.match(err, /^dawnlight: [^\n]+\n$/);
  };
  await refused(
    join(directory, 'nowhere.json'),
    /--expected: .*nowhere\.json is not what scripts\/make-exam\.py writes/,
  );
  await refused(
    changed(({ cases }) => cases[0].token_logprobs.pop()),
    /one log-probability for each token/,
  );
  await refused(answers, /--expected: those are answers of a llama, qwen2 is a qwen2/, 'qwen2');
});
