/** What the sums generators share (lane-sums.wgsl.ts): their spec, and the loads of weights and scales. */
import type { WeightFormat } from '../../tensor/matrix.ts';
import { range } from '../unroll.ts';

/** What is multiplied, and the WGSL names under which the kernel has it. */
export interface SumsSpec {
  readonly format: WeightFormat;
  readonly groupSize: number;
  /** 'q8' and 'q12' need an integer format. */
  readonly activation: 'f32' | 'q8' | 'q12';
  /** Whether the processor has instructions for dot products (gpu/processor.ts): another text, the same bits. */
  readonly dots: boolean;
  /** f32 activations whose rows are not a multiple of 64 columns are loaded one by one with a bound check. */
  readonly ragged: boolean;
  /** Units per workgroup, a divisor of the layout's units per row block. */
  readonly units: number;
  /** Tokens per workgroup. */
  readonly tokens: number;
  readonly texelsPerUnit: number;
  readonly unitsPerBlock: number;
  /** Function that loads the i-th texel of the weights. */
  readonly texel: string;
  /** Expression for the i-th element of the activations: vec4<u32> for q8 and q12, vec4<f32>, or f32 when ragged. */
  readonly x: (i: string) => string;
  /** Expressions for the number of columns and of column blocks. */
  readonly cols: string;
  readonly colBlocks: string;
}

export const component = ['x', 'y', 'z', 'w'];

/** Int4 × q8 in two rows at a time (lane-sums.q8.wgsl.ts). */
export const isSwar = (s: Pick<SumsSpec, 'format' | 'activation' | 'dots'>): boolean =>
  s.format === 'int4' && s.activation === 'q8' && !s.dots;

export const isPaired = (format: WeightFormat): boolean => format === 'int4' || format === 'int8';

/** WGSL function `name(i)`: the i-th texel of a texture. Needs ../texel.wgsl. */
export function texelLoader(name: string, texture: string): string {
  return `fn ${name}(i: u32) -> vec4<u32> { return textureLoad(${texture}, texelPosition(i)); }`;
}

/**
 * `w{unit}_{texel}`: these texels of each unit. Loads stand together, in front of the sums: lavapipe calls a function for each and
 * saves every live register around it.
 */
export function loadTexels(s: SumsSpec, texels: readonly number[]): string[] {
  return range(s.units).flatMap((u) =>
    texels.map((i) => `    let w${u}_${i} = ${s.texel}(at + ${(u * s.texelsPerUnit + i) * 8}u);`),
  );
}

/** Texel of a unit that holds the scales of weight group `group` of a block (lane-layout.ts). */
const scaleTexel = (format: WeightFormat, group: number): number => (format === 'int4' ? 4 : 8) + (group >> 1);

/** `loadTexels` of what a weight group of int8 pairs needs: a whole block's texels at once are too many to gain by it. */
export function loadInt8Group(s: SumsSpec, group: number): string[] {
  const texels = s.groupSize / 16;
  const codes = range(2).flatMap((b) => range(texels).map((i) => b * 4 + group * texels + i));
  return loadTexels(s, [...codes, scaleTexel(s.format, group)]);
}

/** The scale and minimum of row `b` of unit `u`'s pair in weight group `group`: a vec2<f32>, from its loaded texel. */
export function groupScale({ format }: SumsSpec, u: number, b: number, group: number): string {
  return `unpack2x16float(w${u}_${scaleTexel(format, group)}.${component[(group & 1) * 2 + b]})`;
}

/** Rows that one workgroup's units hold per lane. */
export const rowsOf = (s: Pick<SumsSpec, 'units' | 'format'>): number => s.units * (isPaired(s.format) ? 2 : 1);
