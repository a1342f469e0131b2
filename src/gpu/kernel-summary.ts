/** Kernels by the time that they took, with what they moved and computed meanwhile, beside what the adapter can do. */
import type { KernelTime } from './profiler.ts';
import { leastSeconds, type Roofline } from './roofline.ts';

export interface KernelSummary {
  readonly name: string;
  readonly dispatches: number;
  readonly milliseconds: number;
  /** null where a launcher does not say what its kernel does. */
  readonly bytes: number | null;
  readonly gbs: number | null;
  readonly gflops: number | null;
  /** Of the roofline: the least time that the work could have taken, over the time that it took. */
  readonly share: number | null;
}

export function summarize({ name, dispatches, milliseconds, work }: KernelTime, roofline: Roofline): KernelSummary {
  const seconds = milliseconds / 1000;
  const known = work !== null && seconds > 0;
  return {
    name,
    dispatches,
    milliseconds,
    bytes: work?.bytes ?? null,
    gbs: known ? work.bytes / seconds / 1e9 : null,
    gflops: known ? work.flops / seconds / 1e9 : null,
    share: known ? leastSeconds(work, roofline) / seconds : null,
  };
}

export const summaryHead = ['ms', 'of all', 'calls', 'GB/s', 'GFLOP/s', 'share'];

/** A line for each kernel, and one for all of them. */
export function summaryLines(rows: readonly KernelSummary[]): string[] {
  const all = rows.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const cell = (value: number | null, digits: number): string =>
    (value === null ? '' : value.toFixed(digits)).padStart(9);
  const line = (cells: readonly string[], name: string): string =>
    `${cells.map((c) => c.padStart(9)).join(' ')}  ${name}`;
  return [
    line(summaryHead, 'kernel'),
    ...rows.map(({ name, dispatches, milliseconds, gbs, gflops, share }) =>
      line(
        [
          cell(milliseconds, 3),
          `${((milliseconds / all) * 100).toFixed(1)} %`,
          String(dispatches),
          cell(gbs, 2),
          cell(gflops, 2),
          cell(share, 2),
        ],
        name,
      ),
    ),
    line([cell(all, 3)], 'in kernels'),
  ];
}
