/** Matrices of experts, one below the other, whichever way a checkpoint stores them. */
import type { HostRows, MatrixSource } from '../../tensor/matrix.ts';
import { copyRows, joinFormat, rowBuffer, widen } from './sources.ts';

/** `count` rows from `first` on. */
export function someRows(source: MatrixSource, first: number, count: number): MatrixSource {
  return { ...source, rows: count, readRows: (start, n) => source.readRows(first + start, n) };
}

/**
 * The experts' matrices, of the same shape each, as one. One is open at a time: some are held whole while they are read.
 * @param open expert e's
 */
export function expertRows(name: string, experts: number, open: (e: number) => MatrixSource): MatrixSource {
  const shapes = Array.from({ length: experts }, (_, e) => open(e));
  const [{ rows, cols }] = shapes;
  const { format, groupSize } = joinFormat(shapes);
  const output = rowBuffer(format, cols, groupSize);
  let held: { e: number; source: MatrixSource } | null = null;
  const part = (e: number, start: number, count: number): HostRows => {
    if (held?.e !== e) held = { e, source: widen(open(e), format, groupSize) };
    return held.source.readRows(start, count);
  };
  const readRows = (start: number, count: number): HostRows => {
    const first = Math.floor(start / rows);
    if (start + count <= (first + 1) * rows) return part(first, start - first * rows, count);
    const out = output(count);
    for (let at = start; at < start + count;) {
      const e = Math.floor(at / rows);
      const n = Math.min(start + count, (e + 1) * rows) - at;
      copyRows(part(e, at - e * rows, n), 0, out, at - start, n, cols, groupSize);
      at += n;
    }
    return out;
  };
  return { name, rows: rows * experts, cols, format, groupSize, experts, readRows };
}

/** Row i of each of `parts` in turns → all of the first part, all of the second. */
export function partsApart(source: MatrixSource, parts: number): MatrixSource {
  const { rows, cols, format, groupSize } = source;
  const output = rowBuffer(format, cols, groupSize);
  const each = rows / parts;
  const readRows = (start: number, count: number): HostRows => {
    const out = output(count);
    // Those of one part lie within a run as stored, which is read at once.
    for (let at = start; at < start + count;) {
      const part = Math.floor(at / each);
      const n = Math.min(start + count, (part + 1) * each) - at;
      const first = (at - part * each) * parts + part;
      const run = source.readRows(first, (n - 1) * parts + 1);
      for (let i = 0; i < n; i++) copyRows(run, i * parts, out, at - start + i, 1, cols, groupSize);
      at += n;
    }
    return out;
  };
  return { ...source, readRows };
}
