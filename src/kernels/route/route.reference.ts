import type { ExpertGroups, RouteSpec } from '../ops.ts';

/** Keeps the sum of weights that are all 0 from being divided by (DeepSeek-V3). */
export const WEIGHT_FLOOR = 1e-20;

/** Logits `[T, E]` → pairs of expert and weight `[T, 2·k]`. @param bias `[E]` */
export function routeReference(logits: Float32Array, experts: number, spec: RouteSpec, bias: Float32Array | null) {
  const tokens = logits.length / experts;
  const routing = new Float32Array(tokens * 2 * spec.k);
  for (let t = 0; t < tokens; t++) {
    const scores = scored(logits.subarray(t * experts, (t + 1) * experts), spec.scores);
    const worth = scores.map((score, e) => score + (bias ? bias[e] : 0));
    const allowed = spec.groups ? expertsOfBestGroups(worth, spec.groups) : scores.map((_, e) => e);
    const chosen = best(allowed, spec.k, (e) => worth[e]);
    const sum = chosen.reduce((total, e) => total + scores[e], WEIGHT_FLOOR);
    chosen.forEach((e, j) => {
      const weight = (spec.normalizes ? scores[e] / sum : scores[e]) * spec.scale;
      routing.set([e, weight], (t * spec.k + j) * 2);
    });
  }
  return routing;
}

function scored(logits: Float32Array, scores: RouteSpec['scores']): number[] {
  if (scores === 'sigmoid') return Array.from(logits, (x) => 1 / (1 + Math.exp(-x)));
  const largest = logits.reduce((max, x) => Math.max(max, x), -Infinity);
  const powers = Array.from(logits, (x) => Math.exp(x - largest));
  const sum = powers.reduce((total, x) => total + x, 0);
  return powers.map((x) => x / sum);
}

/** The numbers of the experts in the groups that are worth most (arXiv:2405.04434 2.2.2, arXiv:2412.19437 2.1.2). */
function expertsOfBestGroups(worth: readonly number[], { count, kept, worth: by }: ExpertGroups): number[] {
  const size = worth.length / count;
  const members = Array.from({ length: count }, (_, g) => Array.from({ length: size }, (_, i) => g * size + i));
  const values = members.map((group) =>
    best(group, by === 'max' ? 1 : 2, (e) => worth[e]).reduce((total, e) => total + worth[e], 0),
  );
  const groups = best([...values.keys()], kept, (g) => values[g]);
  return groups.sort((a, b) => a - b).flatMap((g) => members[g]);
}

/** The `n` of `items`, ascending numbers, that are worth most, from the best on. */
function best(items: readonly number[], n: number, worth: (item: number) => number): number[] {
  return items.toSorted((a, b) => worth(b) - worth(a) || a - b).slice(0, n);
}
