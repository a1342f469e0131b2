/** Temperature, top-k, top-p, min-p and the draw, on the host, without sorting the vocabulary. */
import type { SamplingParams } from './types.ts';

/**
 * Draws a token id. Order as in vLLM: temperature, min-p, top-k, then top-p over what top-k left, renormalized. Ties in
 * probability are broken by the lower id, and the draw runs over ids in ascending order: nothing depends on the batch.
 * @param logits [V]; -Infinity forbids a token
 * @param u uniform in [0, 1)
 */
export function sampleIndex(logits: Float32Array, params: SamplingParams, u: number): number {
  const best = argmax(logits);
  if (params.temperature === 0) return best;
  const { topK, topP, minP } = params;
  const weights = new Float64Array(logits.length);
  const candidates: number[] = [];
  for (let id = 0; id < logits.length; id++) {
    // Relative to the best token's weight, 1: no overflow, and min-p is a plain comparison.
    const weight = Math.exp((logits[id] - logits[best]) / params.temperature);
    if (!(weight > 0) || weight < minP) continue;
    weights[id] = weight;
    candidates.push(id);
  }
  // Contradictory constraints can forbid everything.
  if (candidates.length === 0) return best;
  let kept = candidates;
  if (topK > 0 && topK < kept.length) kept = heaviest(kept, weights, (count) => count >= topK);
  if (topP < 1) {
    const enough = topP * sum(kept, weights);
    kept = heaviest(kept, weights, (_, mass) => mass >= enough);
  }
  kept.sort((a, b) => a - b);
  return draw(kept, weights, u);
}

/** Index of the largest value, the lowest among equals. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

/**
 * The shortest run of the heaviest candidates that is enough, at least one, found by quickselect: partition around a
 * pivot, then go on in the part where the cut is. Expected linear time; reorders `ids`.
 */
function heaviest(ids: number[], weights: Float64Array, enough: (count: number, mass: number) => boolean): number[] {
  const before = (a: number, b: number): boolean => weights[a] > weights[b] || (weights[a] === weights[b] && a < b);
  let low = 0;
  let high = ids.length;
  let mass = 0;
  // ids[0 … low-1] are in and not enough; ids[0 … high-1] are enough, or all there is.
  while (high - low > 1) {
    const pivot = ids[(low + high) >> 1];
    let mid = low;
    let midMass = mass;
    for (let i = low; i < high; i++) {
      if (!before(ids[i], pivot)) continue;
      midMass += weights[ids[i]];
      [ids[mid], ids[i]] = [ids[i], ids[mid]];
      mid++;
    }
    if (mid > low && enough(mid, midMass)) {
      high = mid;
      continue;
    }
    // The pivot is the next heaviest: put it at its place, and see whether it completes the run.
    const at = ids.indexOf(pivot, mid);
    [ids[mid], ids[at]] = [ids[at], ids[mid]];
    low = mid + 1;
    mass = midMass + weights[pivot];
    if (enough(low, mass)) return ids.slice(0, low);
  }
  return ids.slice(0, high);
}

function sum(ids: readonly number[], weights: Float64Array): number {
  return ids.reduce((total, id) => total + weights[id], 0);
}

/** Inverse of the cumulative distribution. */
function draw(ids: readonly number[], weights: Float64Array, u: number): number {
  let rest = u * sum(ids, weights);
  for (const id of ids) {
    rest -= weights[id];
    if (rest < 0) return id;
  }
  return ids[ids.length - 1];
}
