/** Bytes and operations of a dispatch, for profiles: launchers say them with `recorder.does`. */
import type { Work } from '../gpu/profiler.ts';
import { numel, type Tensor } from '../tensor/tensor.ts';
import { bytesOf } from './webgpu-context.ts';

/**
 * Tensors that are read or written once, and operations for each value of the largest.
 * @param flopsEach an exp or a division counts as one
 */
export function moves(tensors: readonly Tensor[], flopsEach: number): Work {
  const bytes = tensors.reduce((sum, { shape, dtype }) => sum + bytesOf(shape, dtype), 0);
  return { bytes, flops: flopsEach * Math.max(...tensors.map(({ shape }) => numel(shape))) };
}

export function addWork(...works: readonly Work[]): Work {
  const sum = (of: (work: Work) => number): number => works.reduce((total, work) => total + of(work), 0);
  return { bytes: sum(({ bytes }) => bytes), flops: sum(({ flops }) => flops) };
}
