/**
 * Weights in E4M3 with float scales: DeepSeek V3's blocks, one scale a matrix, or one a row.
 * Source: transformers, integrations/finegrained_fp8.py and integrations/fbgemm_fp8.py.
 */
import type { Packing } from './packing.ts';
import { fp8Layer } from './row-codes.ts';

/**
 * @param scaleSuffix of the tensor beside `NAME.weight`
 * @param block rows and columns of a block; null for one scale a matrix or a row
 */
export function fp8(
  scaleSuffix: '.weight_scale_inv' | '.weight_scale',
  block: readonly [number, number] | null,
): Packing {
  return {
    suffixOf: ({ name, dtype }) => (dtype === 'F8_E4M3' && name.endsWith('.weight') ? '.weight' : null),
    weight: (weight, parts) => fp8Layer({ weight, scale: parts.take(scaleSuffix), block }, parts),
    unused: /\.(activation_scale|input_scale|input_scale_ub)$/,
  };
}
