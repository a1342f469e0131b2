/** What a case is, and how far two results may lie apart. bench/kernels runs the same cases. */
import type { Ops } from '../../../src/kernels/ops.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';

/** Normalized mean squared error `Σ(a-b)² / Σb²`, and the largest `|a-b|`. */
export interface Bound {
  readonly nmse: number;
  readonly maxAbs: number;
}

export interface KernelCase {
  readonly name: string;
  /** Form of the activations that feed integer matrix products; f32 unless said otherwise. */
  readonly activations?: 'f32' | 'int8';
  /**
   * One of the few that `npm test` runs on the kernels for real GPUs too: lavapipe takes seconds to compile each. On a
   * GPU all of them run (`npm run gpu`).
   */
  readonly core?: boolean;
  /** Uploads the inputs; the function it gives records the op, any number of times. */
  prepare(ops: Ops): Promise<() => Tensor>;
  /** The formula in float64, written apart from `src/`. */
  expected(): ArrayLike<number>;
  /** ReferenceOps against `expected`. */
  readonly referenceBound: Bound;
  /** WebGPUOps against ReferenceOps. */
  readonly webgpuBound: Bound;
}

/** Copies and integers. */
export const exact: Bound = { nmse: 0, maxAbs: 0 };
/** A few f32 roundings, sums over up to a few thousand terms of size about 1. */
export const f32Bound: Bound = { nmse: 1e-11, maxAbs: 1e-4 };

/** Products of operands that are rounded to f16 (each by 2⁻¹² of itself on average), sums in f32. */
export const halfBound: Bound = { nmse: 1e-6, maxAbs: 0.05 };

export function difference(actual: ArrayLike<number>, wanted: ArrayLike<number>): Bound {
  if (actual.length !== wanted.length) return { nmse: Infinity, maxAbs: Infinity };
  let error = 0;
  let power = 0;
  let maxAbs = 0;
  for (let i = 0; i < wanted.length; i++) {
    const d = Math.abs(actual[i] - wanted[i]);
    error += d * d;
    power += wanted[i] * wanted[i];
    maxAbs = Number.isNaN(d) ? Infinity : Math.max(maxAbs, d);
  }
  return { nmse: error === 0 ? 0 : error / power, maxAbs };
}

export function within(found: Bound, bound: Bound): boolean {
  return found.nmse <= bound.nmse && found.maxAbs <= bound.maxAbs;
}

export function core(kernelCase: KernelCase): KernelCase {
  return { ...kernelCase, core: true };
}
