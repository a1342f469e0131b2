/** What sampling means, by sorting and in float64, written apart from `src/`; and inputs for it. */
import type { SamplingRow } from '../../src/kernels/ops.ts';
import { random } from './random.ts';

/** Draws from the model's own distribution, unless `changed` says otherwise. */
export function samplingRow(changed: Partial<SamplingRow> = {}): SamplingRow {
  const free = { bias: null, penalties: null, mask: null, ignoresLogits: false };
  return { ...free, temperature: 1, minP: 0, topK: 0, topP: 1, u: 0.5, ...changed };
}

/** Every token that can come, with its probability, by ascending id. */
export function distribution(logits: ArrayLike<number>, row: SamplingRow): Map<number, number> {
  const { temperature, topK, topP, minP } = row;
  const best = Array.from(logits).reduce((a, b) => Math.max(a, b), -Infinity);
  let list = Array.from(logits, (logit, id) => ({ id, w: Math.exp((logit - best) / temperature) }));
  list = list.filter(({ w }) => w >= Math.max(minP, Math.exp(-30))).sort((a, b) => b.w - a.w || a.id - b.id);
  if (topK > 0) list = list.slice(0, topK);
  const all = list.reduce((sum, { w }) => sum + w, 0);
  let mass = 0;
  list = list.filter(({ w }) => {
    const isIn = mass < topP * all;
    mass += w;
    return isIn;
  });
  const total = list.reduce((sum, { w }) => sum + w, 0);
  return new Map(list.sort((a, b) => a.id - b.id).map(({ id, w }) => [id, w / total]));
}

/** Logits after bias, penalties and mask; in float64 where the device rounds to f32. */
export function adjusted(logits: ArrayLike<number>, row: SamplingRow, tokenIds: readonly number[]): number[] {
  const { bias, penalties, mask, ignoresLogits } = row;
  return Array.from(logits, (logit, id) => {
    let y = logit + (bias?.get(id) ?? 0);
    if (penalties && tokenIds.includes(id)) {
      const { repetition, presence, frequency, promptLength } = penalties;
      const times = tokenIds.slice(promptLength).filter((other) => other === id).length;
      y = y > 0 ? y / repetition : y * repetition;
      if (times > 0) y -= presence + frequency * times;
    }
    if (mask && ((mask[id >>> 5] >>> (id & 31)) & 1) === 0) return -Infinity;
    return ignoresLogits ? 0 : y;
  });
}

export function expectedToken(logits: ArrayLike<number>, row: SamplingRow, tokenIds: readonly number[] = []): number {
  const values = adjusted(logits, row, tokenIds);
  const best = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (row.temperature === 0 || best === -Infinity) return values.indexOf(best);
  let sum = 0;
  let last = -1;
  for (const [id, share] of distribution(values, row)) {
    sum += share;
    last = id;
    if (sum > row.u) break;
  }
  return last;
}

/** [rows, columns] normal values, and a few much larger ones as in a language model's answer. */
export function randomLogits(seed: number, rows: number, columns: number, deviation = 2.5): Float32Array {
  const next = random(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return Float32Array.from(
    { length: rows * columns },
    () => deviation * normal() + (next() < 0.0005 ? 3 * deviation : 0),
  );
}

/** 24 bits in [0, 1), as the engine draws them. */
export function randomU(next: () => number): number {
  return Math.floor(next() * 2 ** 24) / 2 ** 24;
}

/** A mask of the given tokens. */
export function maskOf(ids: Iterable<number>, columns: number): Uint32Array {
  const mask = new Uint32Array(Math.ceil(columns / 32));
  for (const id of ids) mask[id >>> 5] |= 1 << (id & 31);
  return mask;
}
