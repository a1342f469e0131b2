/**
 * What the kernels that read a RowMatrix include: one decoder a weight format (`chunk.*.wgsl`: bindings 0, weights, and for
 * integer formats 1, scales) and one reader a form of the activations (`input.*.wgsl`).
 */
import { composeWith } from '../../gpu/wgsl.ts';
import type { WeightFormat } from '../../tensor/matrix.ts';
import { CHUNK } from './row-matrix.ts';

export interface ChunkSpec {
  readonly format: WeightFormat;
  readonly groupSize: number;
}

export interface InputSpec {
  /** Form of the activations. */
  readonly input: 'f32' | 'q8';
  /** f32 rows that are no multiple of 8 columns: loaded one by one with a bound check. */
  readonly ragged: boolean;
}

/** Bindings of the weights; the kernel's own begin there. */
export function chunkBindings(spec: ChunkSpec): number {
  return spec.groupSize ? 2 : 1;
}

/** Generated text with `weightChunk(at)` in front, for integers `scaleMin(at)`, and `inputChunk(token, chunk)` where it has an input. */
export function withChunks({ format, groupSize }: ChunkSpec, input: InputSpec | null, generated: string): string {
  const files = [`chunk.${format}.wgsl`, ...(input ? [`input.${formOf(input)}.wgsl`] : [])];
  return composeWith(files, import.meta.url, generated, groupSize ? { GROUP_CHUNKS: groupSize / CHUNK } : {});
}

const formOf = ({ input, ragged }: InputSpec): 'f32' | 'ragged' | 'q8' => (ragged ? 'ragged' : input);

const inputTypes = {
  f32: 'array<vec4<f32>>; // [T, K / 4]',
  ragged: 'array<f32>; // [T, K]',
  q8: 'array<u32>; // [T, blocks of 64, 8 lanes, 4] q8',
};

/** The binding of the activations. */
export function inputBinding(input: InputSpec, binding: number): string {
  return `@group(0) @binding(${binding}) var<storage, read> x: ${inputTypes[formOf(input)]}`;
}
