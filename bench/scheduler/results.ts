/**
 * One line a simulation, appended as soon as it is done: a run that is cut off loses nothing and goes on where it was. Each
 * line names the code that made it; lines of other code are left where they are and not used.
 */
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

export type Row = Run & SimulationResult & { readonly code: string };

/** Means over the seeds. */
export type Mean = Omit<Row, 'seed' | 'code'> & { readonly seeds: number };

export class Results {
  readonly #file: string;
  readonly #code: string;
  readonly #rows: Row[];
  /** Rows in the file that other code made, or that are not wanted. */
  readonly unused: number;

  /**
   * @param code hash of the code that runs now
   * @param fresh use nothing of what the file holds
   */
  constructor(file: string, code: string, fresh: boolean) {
    this.#file = file;
    this.#code = code;
    mkdirSync(dirname(file), { recursive: true });
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
    const rows = lines.map((line) => JSON.parse(line) as Row);
    this.#rows = fresh ? [] : rows.filter((row) => row.code === code);
    this.unused = rows.length - this.#rows.length;
  }

  find(run: Run): Row | undefined {
    return this.#rows.findLast((row) => keyOf(row) === keyOf(run));
  }

  add(run: Run, result: SimulationResult): Row {
    const row = { ...run, ...result, code: this.#code };
    this.#rows.push(row);
    appendFileSync(this.#file, `${JSON.stringify(row, round)}\n`);
    return row;
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
