/** ggml_type ids of tensor infos: which load, how large they are, and the names of those that do not. */
import type { FloatRows } from '../../../tensor/matrix.ts';
import type { BlockFormat } from './block-format.ts';
import { iq1_m } from './iq1_m.ts';
import { iq1_s } from './iq1_s.ts';
import { iq2_s } from './iq2_s.ts';
import { iq2_xs } from './iq2_xs.ts';
import { iq2_xxs } from './iq2_xxs.ts';
import { iq3_s } from './iq3_s.ts';
import { iq3_xxs } from './iq3_xxs.ts';
import { iq4_nl } from './iq4_nl.ts';
import { iq4_xs } from './iq4_xs.ts';
import { mxfp4 } from './mxfp4.ts';
import { q2_k } from './q2_k.ts';
import { q3_k } from './q3_k.ts';
import { q4_0 } from './q4_0.ts';
import { q4_1 } from './q4_1.ts';
import { q4_k } from './q4_k.ts';
import { q5_0 } from './q5_0.ts';
import { q5_1 } from './q5_1.ts';
import { q5_k } from './q5_k.ts';
import { q6_k } from './q6_k.ts';
import { q8_0 } from './q8_0.ts';
import { tq1_0 } from './tq1_0.ts';
import { tq2_0 } from './tq2_0.ts';

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
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq1_s,
  iq1_m,
  iq2_xxs,
  iq2_xs,
  iq2_s,
  iq3_xxs,
  iq3_s,
  iq4_nl,
  iq4_xs,
  tq1_0,
  tq2_0,
  mxfp4,
];

const byId = new Map(formats.map((format) => [format.id, format]));

export const supportedGgmlTypes: readonly string[] = formats.map((format) => format.name);

export function ggmlFormat(id: number): GgmlFormat | undefined {
  return byId.get(id);
}

/** For error messages: types that exist in ggml but do not load here. */
const otherNames: Readonly<Record<number, string>> = {
  9: 'Q8_1',
  15: 'Q8_K',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  40: 'NVFP4',
  41: 'Q1_0',
};

export function ggmlTypeName(id: number): string {
  return byId.get(id)?.name ?? otherNames[id] ?? `number ${id}`;
}
