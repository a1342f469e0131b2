/** One line a simulation, appended as soon as it is done: a run that is cut off loses nothing and goes on where it was. */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SimulationResult } from './simulate.ts';

export interface Run {
  readonly condition: string;
  readonly workload: string;
  readonly policy: string;
  readonly setting: string;
  readonly seed: number;
  /** Simulated. */
  readonly seconds: number;
}

export type Row = Run & SimulationResult;

/** Means over the seeds. */
export type Mean = Omit<Row, 'seed'> & { readonly seeds: number };

export class Results {
  readonly #file: string;
  readonly #rows: Row[];

  constructor(file: string) {
    this.#file = file;
    mkdirSync(dirname(file), { recursive: true });
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
    this.#rows = lines.map((line) => JSON.parse(line) as Row);
  }

  find(run: Run): Row | undefined {
    return this.#rows.find((row) => keyOf(row) === keyOf(run));
  }

  add(row: Row): void {
    this.#rows.push(row);
    appendFileSync(this.#file, `${JSON.stringify(row, round)}\n`);
  }
}

function round(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}

function keyOf({ condition, workload, policy, setting, seed, seconds }: Run): string {
  return [condition, workload, policy, setting, seed, seconds].join('|');
}

export function meanOf(rows: readonly Row[]): Mean {
  const { condition, workload, policy, setting, seconds } = rows[0];
  const mean = (key: keyof SimulationResult): number =>
    Number((rows.reduce((sum, row) => sum + row[key], 0) / rows.length).toPrecision(4));
  return {
    ...{ condition, workload, policy, setting, seconds, seeds: rows.length },
    goodput: mean('goodput'),
    steadyGoodput: mean('steadyGoodput'),
    finished: mean('finished'),
    lateFirst: mean('lateFirst'),
    lateToken: mean('lateToken'),
    evictions: mean('evictions'),
    occupancy: mean('occupancy'),
  };
}

/** The setting with the highest goodput, for each policy. */
export function bestSettings(means: readonly Mean[]): Mean[] {
  const policies = [...new Set(means.map((mean) => mean.policy))];
  return policies.map((policy) =>
    means.filter((mean) => mean.policy === policy).reduce((a, b) => (b.goodput > a.goodput ? b : a)),
  );
}
