/** Two results side by side. */
import { existsSync, readFileSync } from 'node:fs';
import { EngineError } from '../../src/errors.ts';
import type { RunBench } from '../helpers/declare.ts';
import { median } from '../helpers/machine.ts';
import { figuresOf, type Figures } from './figures.ts';
import type { spec } from './flags.ts';

export interface ComparedFigure {
  readonly name: string;
  readonly a: number;
  readonly b: number;
  /** b / a; null where a is 0. */
  readonly ratio: number | null;
}

/** The figures that both have and that differ. */
export function compareFigures(a: Figures, b: Figures): { rows: ComparedFigure[]; equal: number; single: number } {
  const rows = [...a]
    .filter(([name]) => b.has(name))
    .map(([name, values]) => {
      const [own, other] = [median(values), median(b.get(name)!)];
      return { name, a: own, b: other, ratio: own === 0 ? null : Number((other / own).toPrecision(4)) };
    });
  const differing = rows.filter((row) => row.a !== row.b);
  const single = a.size + b.size - 2 * rows.length;
  return { rows: differing, equal: rows.length - differing.length, single };
}

function read(file: string): Figures {
  if (!existsSync(file)) throw new EngineError('bad_flag', `${file} does not exist`);
  try {
    return figuresOf(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new EngineError('bad_flag', `${file}: ${(cause as Error).message}`, { cause });
  }
}

export const run: RunBench<typeof spec> = async (_, [a, b]) => {
  const { rows, equal, single } = compareFigures(read(a), read(b));
  const width = Math.min(90, Math.max(6, ...rows.map(({ name }) => name.length)));
  const figure = (n: number): string => String(Number(n.toPrecision(5))).padStart(12);
  console.log(`${'figure'.padEnd(width)} ${'A'.padStart(12)} ${'B'.padStart(12)}    B / A`);
  for (const row of rows)
    console.log(
      `${row.name.padEnd(width)} ${figure(row.a)} ${figure(row.b)} ${row.ratio?.toFixed(3).padStart(8) ?? ''}`,
    );
  console.log(`${equal} figures are equal, ${single} are in one file only`);
  return { result: { a, b, rows, equal, single } };
};
