import type { Work } from '../../gpu/profiler.ts';
import { weightWork } from '../matmul/product-work.ts';
import type { Matrix } from '../ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { bytesOf } from '../webgpu-context.ts';

/**
 * Of a share of the stacked weights. Which experts are chosen the device alone knows: as many as there are pairs, all of them at
 * most, are taken to be read.
 */
export function expertWork(x: Tensor, y: Tensor, w: Matrix, groupSize: number, share: number): Work {
  const { experts = 1 } = w;
  const [pairs, rows] = y.shape;
  const weights = weightWork(w, groupSize, rows * Math.min(experts, pairs), 0);
  const outputs = bytesOf(y.shape, y.dtype);
  return {
    bytes: (weights.bytes + outputs) * share + bytesOf(x.shape, x.dtype),
    flops: weightWork(w, groupSize, rows, pairs).flops * share,
  };
}
