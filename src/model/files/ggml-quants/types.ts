/** ggml_type ids of tensor infos: which load, how large they are, and the names of those that do not. */
import type { FloatRows } from '../../../tensor/matrix.ts';
import type { BlockFormat } from './block-format.ts';
import { q4_0 } from './q4_0.ts';
import { q4_1 } from './q4_1.ts';
import { q4_k } from './q4_k.ts';
import { q5_0 } from './q5_0.ts';
import { q5_1 } from './q5_1.ts';
import { q5_k } from './q5_k.ts';
import { q6_k } from './q6_k.ts';
import { q8_0 } from './q8_0.ts';

export interface FloatFormat {
  readonly name: string;
  readonly id: number;
  readonly blockSize: 1;
  readonly blockBytes: 2 | 4;
  readonly format: FloatRows['format'];
}

export type GgmlFormat = FloatFormat | BlockFormat;

const formats: readonly GgmlFormat[] = [
  { name: 'F32', id: 0, blockSize: 1, blockBytes: 4, format: 'f32' },
  { name: 'F16', id: 1, blockSize: 1, blockBytes: 2, format: 'f16' },
  { name: 'BF16', id: 30, blockSize: 1, blockBytes: 2, format: 'bf16' },
  q8_0,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q4_k,
  q5_k,
  q6_k,
];

const byId = new Map(formats.map((format) => [format.id, format]));

export const supportedGgmlTypes: readonly string[] = formats.map((format) => format.name);

export function ggmlFormat(id: number): GgmlFormat | undefined {
  return byId.get(id);
}

/** For error messages: types that exist in ggml but do not load here. */
const otherNames: Readonly<Record<number, string>> = {
  9: 'Q8_1',
  10: 'Q2_K',
  11: 'Q3_K',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  20: 'IQ4_NL',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  29: 'IQ1_M',
  34: 'TQ1_0',
  35: 'TQ2_0',
  39: 'MXFP4',
};

export function ggmlTypeName(id: number): string {
  return byId.get(id)?.name ?? otherNames[id] ?? `number ${id}`;
}
