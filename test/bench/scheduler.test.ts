// bench/scheduler takes rows of an earlier run only from the same code, and shows every policy there is.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { codeHash } from '../../bench/helpers/code-hash.ts';
import { barChart } from '../../bench/scheduler/bar-chart.ts';
import { candidates, candidatesOf } from '../../bench/scheduler/candidates.ts';
import { meanOf, Results, type Row } from '../../bench/scheduler/results.ts';
import { conditionTable } from '../../bench/scheduler/tables.ts';
import { engineSettings } from '../../src/config.ts';
import { FcfsPolicy } from '../../src/engine/scheduling/policies/fcfs.ts';
import { policies, policyNames } from '../../src/engine/scheduling/policies/registry.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const run = { condition: 'ours', workload: 'Dist1', policy: 'fcfs', setting: '', seed: 1, seconds: 300 };
const counted = { steadyGoodput: 1, finished: 1, lateFirst: 0, lateToken: 0, evictions: 0, occupancy: 1 };

t.test('the hash is that of a module and of all that it imports', async (t) => {
  const dir = tempDir(t);
  const write = (file: string, text: string): void => writeFileSync(join(dir, file), text);
  const hash = (): string => codeHash([pathToFileURL(join(dir, 'a.js'))]);
  mkdirSync(join(dir, 'sub'));
  write('a.js', "import { b } from './sub/b.js';\nimport fs from 'node:fs';\nimport './c.js';");
  write('sub/b.js', "export { d as b } from '../d.js';");
  write('c.js', "export const c = () => import('./d.js');");
  write('d.js', 'export const d = 1;');
  write('apart.js', 'export const e = 1;');
  const first = hash();
  write('apart.js', 'export const e = 2;');
  t.equal(hash(), first, 'what it does not import does not matter');
  write('d.js', 'export const d = 2;');
  t.not(hash(), first);
  write('d.js', 'export const d = 1;');
  t.equal(hash(), first);
});

t.test('rows of other code are not used, nor any with --fresh', async (t) => {
  const file = join(tempDir(t), 'rows.jsonl');
  // As the bench wrote them before rows named their code.
  writeFileSync(file, `${JSON.stringify({ ...run, goodput: 7, ...counted })}\n`);
  const old = new Results(file, 'old', false);
  t.equal(old.find(run), undefined);
  t.equal(old.unused, 1);
  old.add(run, { goodput: 10, ...counted });
  t.equal(new Results(file, 'old', false).find(run)?.goodput, 10);
  const changed = new Results(file, 'new', false);
  t.equal(changed.find(run), undefined, 'the same run of other code');
  t.equal(changed.unused, 2);
  const fresh = new Results(file, 'old', true);
  t.equal(fresh.find(run), undefined);
  fresh.add(run, { goodput: 20, ...counted });
  t.equal(new Results(file, 'old', false).find(run)?.goodput, 20, 'the last one counts');
  t.equal(readFileSync(file, 'utf8').trimEnd().split('\n').length, 3, 'nothing is lost');
});

t.test('a policy in the registry is a choice of the flag, a candidate and a column', async (t) => {
  t.same([...new Set(candidates.map(({ policy }) => policy))], policyNames);
  for (const name of policyNames) {
    t.equal(engineSettings.schedulerPolicy.parse(name, '--scheduler_policy'), name);
  }
  t.throws(() => engineSettings.schedulerPolicy.parse('lifo', '--scheduler_policy'), {
    message: new RegExp(policyNames.join(', ')),
  });
  const more = candidatesOf({ ...policies, lifo: { create: () => new FcfsPolicy() } });
  const means = more.map(({ policy, setting }, i) => {
    const row: Row = { ...run, policy, setting, goodput: 100 + i, ...counted, code: 'x' };
    return meanOf([row]);
  });
  const [head, , line] = conditionTable(means, more).split('\n');
  t.match(head, `| ${policyNames.join(' | ')} | lifo |`);
  t.match(line, `${100 + more.length - 1} (0.00) |`);
  t.match(barChart('title', means), />lifo</);
});
