/**
 * How an adapter lies in a slot: texels of 16 bytes, 8 f16 each, so that 8 lanes read 128 bytes in a row. Ranks are padded with
 * zeros to groups of 8.
 *
 * - In front a table, a texel for each part: four u32, groups (0: the adapter leaves the part alone), the bits of the f32
 *   scale, and where A and B begin, in texels of all slots.
 * - A: for each group of the part, and each 8 columns, a texel a rank: lane r holds 8 columns of row r. Columns are padded to 64.
 * - B: for each 8 rows of the part, and each group, a texel a row: lane n holds 8 ranks of row n.
 */
import type { LoraSpec, LoraWeights } from '../ops.ts';
import { floatBits } from '../float-bits.ts';

/** f16 elements of a texel. */
const TEXEL = 8;
/** A slot begins at a whole row of a texture (gpu/texture-pool.ts). */
const ROW = 1024;

export const blocksOf = (cols: number): number => Math.ceil(cols / 64);

function partTexels({ cols }: Pick<LoraSpec, 'cols'>, rows: number, groups: number): { a: number; b: number } {
  return { a: groups * blocksOf(cols) * 64, b: groups * Math.ceil(rows / TEXEL) * TEXEL };
}

/** Of the table: A and B begin at a whole group. */
const tableTexels = (parts: readonly number[]): number => Math.ceil(parts.length / TEXEL) * TEXEL;

/** Of an adapter of the highest rank. */
export function slotTexels(spec: Pick<LoraSpec, 'parts' | 'cols' | 'maxRank'>): number {
  const groups = spec.maxRank / TEXEL;
  const texels = spec.parts.reduce((n, rows) => {
    const { a, b } = partTexels(spec, rows, groups);
    return n + a + b;
  }, tableTexels(spec.parts));
  return Math.ceil(texels / ROW) * ROW;
}

/** Bytes of all slots. */
export function loraBytes(spec: Omit<LoraSpec, 'name'>): number {
  return spec.slots * slotTexels(spec) * 16;
}

/** From the slot's first texel on; whole rows of a texture. */
export function packLora(spec: LoraSpec, slot: number, weights: LoraWeights): Uint16Array<ArrayBuffer> {
  const { cols, parts } = spec;
  const sizes = weights.map((part, p) => partTexels(spec, parts[p], part ? Math.ceil(part.rank / TEXEL) : 0));
  const used = sizes.reduce((n, { a, b }) => n + a + b, tableTexels(parts));
  const texels = new Uint16Array(Math.ceil(used / ROW) * ROW * TEXEL);
  const table = new Uint32Array(texels.buffer, 0, parts.length * 4);
  const base = slot * slotTexels(spec);
  let at = tableTexels(parts);
  weights.forEach((part, p) => {
    if (!part) return;
    const { rank, scale, a, b } = part;
    const groups = Math.ceil(rank / TEXEL);
    const size = sizes[p];
    table.set([groups, floatBits(scale), base + at, base + at + size.a], p * 4);
    const stride = blocksOf(cols) * 64;
    for (let r = 0; r < rank; r++) {
      const first = (at + Math.floor(r / TEXEL) * stride + (r % TEXEL)) * TEXEL;
      for (let k = 0; k < cols; k++) texels[first + (k >> 3) * 64 + (k & 7)] = a[r * cols + k];
    }
    at += size.a;
    for (let n = 0; n < parts[p]; n++) {
      const first = (at + (n >> 3) * groups * TEXEL + (n & 7)) * TEXEL;
      for (let r = 0; r < rank; r++) texels[first + (r >> 3) * 64 + (r & 7)] = b[n * rank + r];
    }
    at += size.b;
  });
  return texels;
}
