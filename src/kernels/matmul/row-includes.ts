/** What a kernel that reads a RowMatrix is composed with: the decoder of the weight format, in place of that for f32. */
import type { Defines } from '../../gpu/wgsl.ts';
import { CHUNK, type RowMatrix } from './row-matrix.ts';

export function weightIncludes({ format, groupSize }: RowMatrix): Defines {
  if (groupSize === 0) return { 'chunk.f32.wgsl': `chunk.${format}.wgsl` };
  return { 'chunk.f32.wgsl': `chunk.${format}.wgsl`, GROUP_CHUNKS: groupSize / CHUNK };
}

/** The same for matmul.gemv, with what multiplies such weights with such activations. */
export function productIncludes(matrix: RowMatrix, activation: 'f32' | 'q8'): Defines {
  const { format, groupSize } = matrix;
  if (groupSize === 0) return weightIncludes(matrix);
  return {
    'product.float.wgsl': activation === 'q8' ? 'product.q8.wgsl' : 'product.integer.wgsl',
    'span.int4.wgsl': `span.${format}.wgsl`,
    GROUP_CHUNKS: groupSize / CHUNK,
  };
}
