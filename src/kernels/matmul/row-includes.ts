/** What a kernel that reads a RowMatrix is composed with: the decoder of the weight format, in place of that for f32. */
import type { Defines } from '../../gpu/wgsl.ts';
import { CHUNK, type RowMatrix } from './row-matrix.ts';

export function weightIncludes({ format, groupSize }: RowMatrix): Defines {
  if (groupSize === 0) return { 'chunk.f32.wgsl': `chunk.${format}.wgsl` };
  return { 'chunk.f32.wgsl': `chunk.${format}.wgsl`, GROUP_CHUNKS: groupSize / CHUNK };
}
