/** How a checkpoint stores the matrices of experts: one tensor an expert and part, one a part, or one for all. */
import type { MatrixSource } from '../../tensor/matrix.ts';
import { partsApart, someRows } from '../files/expert-rows.ts';
import { stackRows, transposed } from '../files/sources.ts';
import { readVector, type StoredTensor } from '../files/stored-tensor.ts';
import type { ExpertsSpec } from './spec.ts';
import type { PlannedVector, Take } from './planned-vector.ts';

export interface StoredExperts {
  /** Expert e's matrix, the parts one below the other. */
  readonly open: (e: number) => MatrixSource;
  readonly bias: PlannedVector | null;
}

/** @param take the tensor of that name, in that shape; @param has whether there is one */
export function storedExperts(spec: ExpertsSpec, take: Take, has: (name: string) => boolean): StoredExperts {
  const { count, prefix, parts, cols, fused } = spec;
  const stacked = (sources: readonly MatrixSource[]) =>
    sources.length === 1 ? sources[0] : stackRows(sources.map(({ name }) => name).join(' + '), sources);
  if (has(`${prefix}.${parts[0].name}.weight`)) {
    const all = parts.map(({ name, rows }) => take(`${prefix}.${name}.weight`, [count, rows, cols]));
    const open = (e: number) => stacked(all.map((w, i) => someRows(w.source(), e * parts[i].rows, parts[i].rows)));
    return { open, bias: fused.bias === undefined ? null : partBiases(spec, take) };
  }
  // What llama.cpp's converter writes with --fuse-gate-up-exps.
  const both = `${prefix}.gate_up_proj.weight`;
  if (parts.length === 2 && has(both)) {
    const { open } = fusedExperts({ ...spec, fused: { name: both } }, take);
    return { open, bias: fused.bias === undefined ? null : partBiases(spec, take) };
  }
  if (has(fused.name)) return fusedExperts(spec, take);
  // gpt-oss's MXFP4, which is [E, rows, cols] where its floats are [E, cols, rows].
  const packed = `${fused.name}_blocks`;
  if (has(packed)) return fusedExperts({ ...spec, fused: { ...fused, name: packed, transposed: false } }, take);
  const each = Array.from({ length: count }, (_, e) =>
    parts.map(({ name, rows }) => take(`${prefix}.${e}.${name}.weight`, [rows, cols])),
  );
  return { open: (e) => stacked(each[e].map((w) => w.source())), bias: null };
}

function fusedExperts({ count, parts, cols, fused }: ExpertsSpec, take: Take): StoredExperts {
  const rows = parts.reduce((n, part) => n + part.rows, 0);
  const stored = take(fused.name, fused.transposed ? [count, cols, rows] : [count, rows, cols]);
  const open = (e: number) => {
    const source = stored.source();
    const matrix = fused.transposed ? transposed(someRows(source, e * cols, cols)) : someRows(source, e * rows, rows);
    return fused.interleaved ? partsApart(matrix, parts.length) : matrix;
  };
  const bias = fused.bias === undefined ? null : take(fused.bias, [count, rows]);
  const n = fused.interleaved ? parts.length : 1;
  return { open, bias: bias && planBias(count * rows, () => inTurns(readVector(bias), rows, n)) };
}

/** Biases in a tensor for each part [E, rows] → [E, rows of all parts]. */
function partBiases({ count, prefix, parts }: ExpertsSpec, take: Take): PlannedVector {
  const stored = parts.map(({ name, rows }) => take(`${prefix}.${name}.bias`, [count, rows]));
  const each = (all: Float32Array, e: number) => [
    ...all.subarray((e * all.length) / count, ((e + 1) * all.length) / count),
  ];
  const read = () => {
    const values = stored.map((tensor: StoredTensor) => readVector(tensor));
    return Float32Array.from(Array.from({ length: count }, (_, e) => values.flatMap((all) => each(all, e))).flat());
  };
  return planBias(count * parts.reduce((n, part) => n + part.rows, 0), read);
}

/** In each run of `rows` elements: those of `parts` in turns → all of the first part, all of the second. */
function inTurns(values: Float32Array, rows: number, parts: number): Float32Array {
  return values.map((_, i) => {
    const own = i % rows;
    const each = rows / parts;
    return values[i - own + (own % each) * parts + Math.floor(own / each)];
  });
}

function planBias(length: number, read: () => Float32Array): PlannedVector {
  return { kind: 'vec', length, read };
}
