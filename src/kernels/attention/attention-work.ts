import type { Work } from '../../gpu/profiler.ts';
import { slotBytes } from '../kv-cache/slot-bytes.ts';
import type { AttendedLayer, AttentionSpec } from '../ops.ts';
import { attentionWork as deal, type GpuStep } from '../step/step.ts';
import { headShape } from './head-shape.ts';

/** Of a step's lists (step.ts). */
export type AttentionPart = 'prefill' | 'decode' | 'runs' | 'short prefill' | 'short decode';

const tokensOf: Record<AttentionPart, (work: ReturnType<typeof deal>) => number[]> = {
  prefill: ({ tiles }) => each(tiles),
  decode: ({ singles }) => [...singles],
  runs: ({ runs }) => each(runs),
  'short prefill': ({ shortTiles }) => each(shortTiles),
  'short decode': ({ shortSingles }) => [...shortSingles],
};

/**
 * Of the tokens of one list: two products with each key that is seen, and every key and value that
 * any token of a row sees read once.
 */
export function attentionWork(
  { batch: { tableRows, positions } }: Pick<GpuStep, 'batch'>,
  layer: AttendedLayer,
  { heads, slidingWindow = Infinity }: AttentionSpec,
  part: AttentionPart,
): Work {
  const tokens = tokensOf[part](deal(tableRows));
  /** Of each row the first and the last position that is seen. */
  const seen = new Map<number, { first: number; last: number }>();
  let pairs = 0;
  for (const t of tokens) {
    const last = positions[t];
    const first = Math.max(0, last + 1 - slidingWindow);
    pairs += last + 1 - first;
    const row = seen.get(tableRows[t]) ?? { first, last };
    seen.set(tableRows[t], { first: Math.min(row.first, first), last: Math.max(row.last, last) });
  }
  const stored = [...seen.values()].reduce((sum, { first, last }) => sum + last + 1 - first, 0);
  const slot = slotBytes(layer).reduce((a, b) => a + b);
  const { keyDim, valueDim } = headShape(layer);
  const perToken = heads * (keyDim + valueDim); // dimensions of a token's queries and of what it gets
  return { bytes: stored * slot + tokens.length * perToken * 4, flops: 2 * pairs * perToken };
}

/** @param pieces (first token, count) */
function each(pieces: Uint32Array): number[] {
  const tokens: number[] = [];
  for (let i = 0; i < pieces.length; i += 2) for (let t = 0; t < pieces[i + 1]; t++) tokens.push(pieces[i] + t);
  return tokens;
}
