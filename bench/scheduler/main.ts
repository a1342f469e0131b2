/**
 * `npm run bench -- scheduler [--quick] [--svg FILE]`: goodput of the admission policies under overload, each at several
 * settings, three seeds. Prints a table, then one JSON line; draws the best setting of each policy.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { AggressivePolicy } from '../../src/engine/policies/aggressive.ts';
import { ConservativePolicy } from '../../src/engine/policies/conservative.ts';
import { FcfsPolicy } from '../../src/engine/policies/fcfs.ts';
import { PastFuturePolicy } from '../../src/engine/policies/past-future.ts';
import type { AdmissionPolicy } from '../../src/engine/policies/policy.ts';
import { barChart } from './bar-chart.ts';
import { simulate, sla, type SimulationResult } from './simulate.ts';
import { workloads, type Workload } from './workloads.ts';

interface Candidate {
  readonly policy: string;
  readonly setting: string;
  readonly create: (seed: number) => AdmissionPolicy;
}

const candidates: readonly Candidate[] = [
  ...[0.03, 0.05, 0.1].map((reserved) => ({
    policy: 'past-future',
    setting: `reserved ${reserved}`,
    create: (seed: number) => new PastFuturePolicy({ reserved, seed }),
  })),
  ...[0.9, 0.95, 0.99].map((watermark) => ({
    policy: 'aggressive',
    setting: `watermark ${watermark}`,
    create: () => new AggressivePolicy(watermark),
  })),
  ...[1, 1.25, 1.5].map((overcommit) => ({
    policy: 'conservative',
    setting: `overcommit ${overcommit}`,
    create: () => new ConservativePolicy(overcommit),
  })),
  { policy: 'fcfs', setting: '', create: () => new FcfsPolicy() },
];

interface Row extends SimulationResult {
  readonly workload: string;
  readonly policy: string;
  readonly setting: string;
}

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, svg: { type: 'string' } } });
const seeds = values.quick ? [1] : [1, 2, 3];
const seconds = values.quick ? 300 : 800;
const settled = values.quick ? 150 : 300;

const best: Row[] = [];
console.log(`SLA: first token within ${sla.timeToFirstToken} s, every other within ${sla.maxTimePerOutputToken} s`);
for (const workload of workloads) {
  console.log(`\n${workload.name} (${workload.about}; ${workload.clients} clients)`);
  console.log('policy       setting          goodput  steady  finished  late first/middle  evictions  occupancy');
  const rows: Row[] = [];
  for (const candidate of candidates) {
    const row = await measure(workload, candidate);
    console.log(line(row));
    rows.push(row);
  }
  for (const policy of new Set(candidates.map((candidate) => candidate.policy))) {
    const own = rows.filter((row) => row.policy === policy);
    best.push(own.reduce((a, b) => (b.goodput > a.goodput ? b : a)));
  }
}
if (values.svg !== undefined) writeFileSync(values.svg, barChart('Goodput under overload, tokens/s', best));
console.log(JSON.stringify({ bench: 'scheduler', seeds: seeds.length, seconds, best }));

/** Means over the seeds. */
async function measure(workload: Workload, { policy, setting, create }: Candidate): Promise<Row> {
  const results: SimulationResult[] = [];
  for (const seed of seeds) results.push(await simulate(workload, create(seed), { seed, seconds, settled }));
  const mean = (key: keyof SimulationResult): number => {
    const value = results.reduce((sum, result) => sum + result[key], 0) / results.length;
    return Number(value.toPrecision(4));
  };
  return {
    workload: workload.name,
    policy,
    setting,
    goodput: mean('goodput'),
    steadyGoodput: mean('steadyGoodput'),
    finished: mean('finished'),
    lateFirst: mean('lateFirst'),
    lateToken: mean('lateToken'),
    evictions: mean('evictions'),
    occupancy: mean('occupancy'),
  };
}

function line(row: Row): string {
  const columns: [string | number, number][] = [
    [row.policy, 12],
    [row.setting, 16],
    [row.goodput.toFixed(0), -7],
    [row.steadyGoodput.toFixed(0), -7],
    [row.finished.toFixed(0), -9],
    [`${row.lateFirst.toFixed(0)}/${row.lateToken.toFixed(0)}`, -18],
    [row.evictions.toFixed(3), -10],
    [`${(row.occupancy * 100).toFixed(1)} %`, -10],
  ];
  return columns.map(([text, width]) => (width > 0 ? `${text}`.padEnd(width) : `${text}`.padStart(-width))).join(' ');
}
