/** Goodput of each policy and setting, for each condition and workload: a table for each, a table of the best, a plot. */
import { writeFileSync } from 'node:fs';
import type { BenchResult } from '../helpers/declare.ts';
import { codeHash } from '../helpers/code-hash.ts';
import { barChart } from './bar-chart.ts';
import { candidates, type Candidate } from './candidates.ts';
import { conditions, type Condition } from './conditions.ts';
import { bestSettings, meanOf, Results, type Mean, type Row } from './results.ts';
import { simulate, sla } from './simulate.ts';
import { conditionTable } from './tables.ts';
import { workloads, type Workload } from './workloads.ts';

export interface PolicyBenchOptions {
  /** One seed and a short time: shows that it works, says little. */
  readonly quick: boolean;
  /** Empty: the first two. */
  readonly condition: readonly string[];
  /** Empty: all. */
  readonly workload: readonly string[];
  /** Empty: all. */
  readonly policy: readonly string[];
  /** JSON lines; what this code put there before is not simulated again, unless `fresh`. */
  readonly out: string;
  readonly fresh: boolean;
  readonly svg: string | null;
}

interface Length {
  readonly seeds: readonly number[];
  readonly seconds: number;
  readonly settled: number;
}

/** What a row depends on. */
const simulated = ['simulate', 'candidates', 'conditions', 'workloads'];
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** Simulations of this run, and those that were taken from the file. */
interface Counts {
  simulated: number;
  reused: number;
}

export async function benchPolicies(options: PolicyBenchOptions): Promise<BenchResult> {
  const length: Length = options.quick
    ? { seeds: [1], seconds: 300, settled: 150 }
    : { seeds: [1, 2, 3], seconds: 800, settled: 300 };
  const code = codeHash(simulated.map((name) => new URL(`./${name}.${extension}`, import.meta.url)));
  const results = new Results(options.out, code, options.fresh);
  const compared = candidates.filter(({ policy }) => options.policy.length === 0 || options.policy.includes(policy));
  const counts: Counts = { simulated: 0, reused: 0 };
  console.log(`SLA: first token within ${sla.timeToFirstToken} s, every other within ${sla.maxTimePerOutputToken} s`);
  if (results.unused > 0)
    console.log(
      `${results.unused} rows of ${options.out} are not used: ${options.fresh ? '--fresh' : 'other code made them'}`,
    );
  const all: Mean[] = [];
  for (const condition of chosen(conditions, options.condition, conditions.slice(0, 2))) {
    for (const workload of chosen(workloads, options.workload, workloads)) {
      const start = performance.now();
      const bench = { condition, workload, length, results, counts, from: options.out };
      const means = await benchWorkload(bench, compared);
      all.push(...means);
      console.log(`(${((performance.now() - start) / 1000).toFixed(0)} s)`);
    }
  }
  for (const condition of conditions) {
    const own = all.filter((mean) => mean.condition === condition.name);
    if (own.length > 0) console.log(`\n${condition.name} (${condition.about})\n${conditionTable(own, compared)}`);
  }
  if (options.svg !== null) writeFileSync(options.svg, barChart('Goodput under overload, tokens/s', best(all)));
  return { result: { sla, code, ...counts, out: options.out, rows: best(all) } };
}

function chosen<T extends { readonly name: string }>(
  all: readonly T[],
  names: readonly string[],
  rest: readonly T[],
): readonly T[] {
  return names.length === 0 ? rest : all.filter((one) => names.includes(one.name));
}

interface WorkloadBench {
  readonly condition: Condition;
  readonly workload: Workload;
  readonly length: Length;
  readonly results: Results;
  readonly counts: Counts;
  /** The file that rows are reused from. */
  readonly from: string;
}

async function benchWorkload(bench: WorkloadBench, compared: readonly Candidate[]): Promise<Mean[]> {
  const { condition, workload, length, counts, from } = bench;
  console.log(
    `\n${condition.name} (${condition.about}): ${workload.name} (${workload.about}; ${workload.clients} clients)`,
  );
  console.log('policy       setting          goodput  steady  finished  late first/later  evictions  occupancy');
  const means: Mean[] = [];
  for (const candidate of compared) {
    const rows: Row[] = [];
    const before = counts.reused;
    for (const seed of length.seeds) rows.push(await simulateOnce(bench, candidate, seed));
    const mean = meanOf(rows);
    const reused = counts.reused - before;
    const some = reused < rows.length ? `${reused} of ${rows.length} ` : '';
    console.log(`${line(mean)}${reused > 0 ? `  ${some}from ${from}` : ''}`);
    means.push(mean);
  }
  return means;
}

async function simulateOnce(
  { condition, workload, length: { seconds, settled }, results, counts }: WorkloadBench,
  { policy, setting, create }: Candidate,
  seed: number,
): Promise<Row> {
  const run = { condition: condition.name, workload: workload.name, policy, setting, seed, seconds };
  const known = results.find(run);
  if (known) {
    counts.reused++;
    return known;
  }
  counts.simulated++;
  return results.add(run, await simulate(workload, create(seed), { condition, seed, seconds, settled }));
}

function line(row: Mean): string {
  const columns: [string, number][] = [
    [row.policy, 12],
    [row.setting, 16],
    [row.goodput.toFixed(0), -7],
    [row.steadyGoodput.toFixed(0), -7],
    [row.finished.toFixed(0), -9],
    [`${row.lateFirst.toFixed(0)}/${row.lateToken.toFixed(0)}`, -17],
    [row.evictions.toFixed(3), -10],
    [`${(row.occupancy * 100).toFixed(1)} %`, -10],
  ];
  return columns.map(([text, width]) => (width > 0 ? text.padEnd(width) : text.padStart(-width))).join(' ');
}

/** Each policy at its best setting, for each condition and workload. */
function best(all: readonly Mean[]): Mean[] {
  const groups = new Map<string, Mean[]>();
  for (const mean of all) {
    const group = `${mean.condition}|${mean.workload}`;
    groups.set(group, [...(groups.get(group) ?? []), mean]);
  }
  return [...groups.values()].flatMap(bestSettings);
}
