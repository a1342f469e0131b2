/**
 * What a step's sampling has to know, as one u32 buffer (floats by their bits). Sections, one behind the other:
 * rows [R, 10] (logits row, 1/temperature, top-k, top-p, u, floor, four thresholds), biases [·, 3] (row, id, value),
 * penalties [P, 5] (row, prompt length, repetition, presence, frequency), masks [M, 2 + ceil(V/32)] (row, ignores logits, words).
 */
import { floatBits } from '../float-bits.ts';
import type { SamplingRow } from '../ops.ts';
import { floorOffset } from './floor-offset.ts';

/** A list inside the plan: where it begins, in u32, and how many entries it has. */
export interface PlanList {
  readonly offset: number;
  readonly count: number;
}

export interface SamplingPlan {
  readonly data: Uint32Array;
  readonly rows: number;
  readonly biases: PlanList;
  readonly penalties: PlanList;
  readonly masks: PlanList;
}

/**
 * Where cuts are looked for, as distances from the largest logit in units of the temperature: far enough for most texts,
 * and so near that few tokens lie above. They decide how many tokens are searched, never which are found.
 */
const thresholds = [-3, -6, -9, -13];

/** Added to any logit it is below all others, and still finite. */
const NO_FLOOR = -3e38;

export function planSampling(rows: readonly SamplingRow[], vocabSize: number): SamplingPlan {
  const cuts = rows.flatMap((row, source) => cutWords(row, source));
  const biases = rows.flatMap(({ bias }, row) =>
    [...(bias ?? [])].flatMap(([id, value]) => (id < vocabSize ? [row, id, floatBits(value)] : [])),
  );
  const penalties = rows.flatMap(({ penalties: p }, row) =>
    p ? [row, p.promptLength, floatBits(p.repetition), floatBits(p.presence), floatBits(p.frequency)] : [],
  );
  const masked = rows.flatMap(({ mask, ignoresLogits }, row) => (mask ? [{ row, mask, ignoresLogits }] : []));
  const maskWords = 2 + Math.ceil(vocabSize / 32);
  const offsets = [cuts.length, cuts.length + biases.length, cuts.length + biases.length + penalties.length];
  const data = new Uint32Array(offsets[2] + masked.length * maskWords);
  data.set(cuts);
  data.set(biases, offsets[0]);
  data.set(penalties, offsets[1]);
  masked.forEach(({ row, mask, ignoresLogits }, m) => {
    data.set([row, ignoresLogits ? 1 : 0], offsets[2] + m * maskWords);
    data.set(mask.subarray(0, maskWords - 2), offsets[2] + m * maskWords + 2);
  });
  return {
    data,
    rows: rows.length,
    biases: { offset: offsets[0], count: biases.length / 3 },
    penalties: { offset: offsets[1], count: penalties.length / 5 },
    masks: { offset: offsets[2], count: masked.length },
  };
}

/** Rows whose `width` likeliest tokens are to be listed. */
export function planTop(rows: readonly number[], width: number): Uint32Array {
  const floats = [...thresholds.map(floatBits)];
  return Uint32Array.from(
    rows.flatMap((row) => [row, floatBits(1), width, floatBits(1), 0, floatBits(NO_FLOOR), ...floats]),
  );
}

function cutWords(row: SamplingRow, source: number): number[] {
  const { temperature, topK, topP, u } = row;
  const inverse = temperature === 0 ? 0 : 1 / temperature;
  const floats = [floorOffset(row), ...thresholds.map((x) => x * temperature)];
  return [source, floatBits(inverse), Math.max(topK, 0), floatBits(topP), floatBits(u), ...floats.map(floatBits)];
}
