/** Matrix sources whose rows are stored in another order than they are wanted in. */
import type { HostRows, MatrixSource } from '../../tensor/matrix.ts';
import type { FusedHeads, HeadPart } from '../weights/spec.ts';
import { copyRows, rowBuffer } from './sources.ts';

/** `count` rows that lie together, and the first one's place as stored. Runs follow each other in the order wanted. */
export interface RowRun {
  readonly from: number;
  readonly count: number;
}

/** [queries, key, value] of each key head → all queries, all keys, all values. */
export function apart({ kvHeads, queriesPerKey, headDim }: FusedHeads): RowRun[] {
  const stride = (queriesPerKey + 2) * headDim;
  const runs = (first: number, heads: number) =>
    Array.from({ length: kvHeads }, (_, kv) => ({ from: kv * stride + first * headDim, count: heads * headDim }));
  return [...runs(0, queriesPerKey), ...runs(queriesPerKey, 1), ...runs(queriesPerKey + 1, 1)];
}

/** Those rows of each head, head by head. */
export function partOfHeads({ heads, size, from, count }: HeadPart): RowRun[] {
  return Array.from({ length: heads }, (_, head) => ({ from: head * size + from, count }));
}

/** The rows of the runs; those that are in none are left out. */
export function reorderRows(source: MatrixSource, runs: readonly RowRun[]): MatrixSource {
  const { cols, format, groupSize } = source;
  const output = rowBuffer(format, cols, groupSize);
  const readRows = (start: number, count: number): HostRows => {
    const out = output(count);
    let at = 0;
    for (const run of runs) {
      const first = Math.max(start, at);
      const last = Math.min(start + count, at + run.count);
      if (first < last) {
        const rows = source.readRows(run.from + first - at, last - first);
        copyRows(rows, 0, out, first - start, last - first, cols, groupSize);
      }
      at += run.count;
    }
    return out;
  };
  return { ...source, rows: runs.reduce((n, { count }) => n + count, 0), readRows };
}

export function reorderVector(vector: Float32Array, runs: readonly RowRun[]): Float32Array {
  return Float32Array.from(runs.flatMap(({ from, count }) => [...vector.subarray(from, from + count)]));
}

/** Without its first rows. */
export function skipRows(source: MatrixSource, skipped: number): MatrixSource {
  if (skipped === 0) return source;
  const readRows = (start: number, count: number): HostRows => source.readRows(skipped + start, count);
  return { ...source, rows: source.rows - skipped, readRows };
}
