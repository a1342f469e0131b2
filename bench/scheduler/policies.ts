/** Goodput of each policy and setting, for each condition and workload: a table for each, a table of the best, a plot. */
import { writeFileSync } from 'node:fs';
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
  /** JSON lines; what they hold already is not simulated again. */
  readonly out: string;
  readonly svg?: string | undefined;
}

interface Length {
  readonly seeds: readonly number[];
  readonly seconds: number;
  readonly settled: number;
}

export async function benchPolicies(options: PolicyBenchOptions): Promise<void> {
  const length: Length = options.quick
    ? { seeds: [1], seconds: 300, settled: 150 }
    : { seeds: [1, 2, 3], seconds: 800, settled: 300 };
  const results = new Results(options.out);
  console.log(`SLA: first token within ${sla.timeToFirstToken} s, every other within ${sla.maxTimePerOutputToken} s`);
  const all: Mean[] = [];
  for (const condition of chosen(conditions, options.condition, conditions.slice(0, 2))) {
    for (const workload of chosen(workloads, options.workload, workloads)) {
      const start = performance.now();
      const means = await benchWorkload(condition, workload, length, results);
      all.push(...means);
      console.log(`(${((performance.now() - start) / 1000).toFixed(0)} s)`);
    }
  }
  for (const condition of conditions) {
    const own = all.filter((mean) => mean.condition === condition.name);
    if (own.length > 0) console.log(`\n${condition.name} (${condition.about})\n${conditionTable(own)}`);
  }
  if (options.svg !== undefined) writeFileSync(options.svg, barChart('Goodput under overload, tokens/s', best(all)));
}

function chosen<T extends { readonly name: string }>(
  all: readonly T[],
  names: readonly string[],
  rest: readonly T[],
): readonly T[] {
  const unknown = names.find((name) => !all.some((one) => one.name === name));
  if (unknown !== undefined) throw new Error(`${unknown}: not one of ${all.map((one) => one.name).join(', ')}`);
  return names.length === 0 ? rest : all.filter((one) => names.includes(one.name));
}

async function benchWorkload(
  condition: Condition,
  workload: Workload,
  length: Length,
  results: Results,
): Promise<Mean[]> {
  console.log(
    `\n${condition.name} (${condition.about}): ${workload.name} (${workload.about}; ${workload.clients} clients)`,
  );
  console.log('policy       setting          goodput  steady  finished  late first/later  evictions  occupancy');
  const means: Mean[] = [];
  for (const candidate of candidates) {
    const rows: Row[] = [];
    for (const seed of length.seeds)
      rows.push(await simulateOnce(condition, workload, candidate, seed, length, results));
    const mean = meanOf(rows);
    console.log(line(mean));
    means.push(mean);
  }
  return means;
}

async function simulateOnce(
  condition: Condition,
  workload: Workload,
  { policy, setting, create }: Candidate,
  seed: number,
  { seconds, settled }: Length,
  results: Results,
): Promise<Row> {
  const run = { condition: condition.name, workload: workload.name, policy, setting, seed, seconds };
  const known = results.find(run);
  if (known) return known;
  const row = { ...run, ...(await simulate(workload, create(seed), { condition, seed, seconds, settled })) };
  results.add(row);
  return row;
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
