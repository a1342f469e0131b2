/** Temperature, min-p, top-k, top-p and the draw, without sorting the vocabulary. Weights and their sums are f64. */
import { argmaxReference } from '../argmax/argmax.reference.ts';
import { NO_TOKEN, type SamplingRow } from '../ops.ts';
import { floorOffset } from './floor-offset.ts';

/** The fields that decide between logits. */
export type PickRow = Pick<SamplingRow, 'temperature' | 'minP' | 'topK' | 'topP' | 'u'>;

/** e^-bucketCount is below every weight (floor-offset.ts). */
const bucketCount = 31;

/** Reused from call to call: at 50,000 tokens, allocating costs as much as sampling. */
let weights = new Float64Array(0);
let candidates = new Uint32Array(0);
/** How many candidates have a weight in (e^-(b+1), e^-b], and their sum. */
const bucketCounts = new Uint32Array(bucketCount);
const bucketMasses = new Float64Array(bucketCount);

/**
 * Picks a token id. Order as in vLLM: temperature, min-p, top-k, then top-p over what top-k left, renormalized. Ties in
 * probability are broken by the lower id, and the draw runs over ids in ascending order: nothing depends on the batch.
 * @param logits [V]; -Infinity forbids a token
 * @returns NO_TOKEN when a logit is NaN or +∞
 */
export function pickTokenReference(logits: Float32Array, row: PickRow): number {
  const [best] = argmaxReference(logits, logits.length);
  const { temperature, topK, topP, u } = row;
  // Contradictory constraints can forbid everything.
  if (temperature === 0 || best === NO_TOKEN || logits[best] === -Infinity) return best;
  let count = weigh(logits, logits[best], row);
  let last = -1;
  if (topK > 0 && topK < count) {
    const enough = (n: number): boolean => n >= topK;
    last = cut(narrow(count, enough), enough);
    count = topK;
  }
  if (topP < 1) {
    let total = 0;
    for (let i = 0; i < count; i++) total += weights[candidates[i]];
    const enough = (_: number, mass: number): boolean => mass >= topP * total;
    last = cut(last < 0 ? narrow(count, enough) : count, enough);
  }
  return draw(logits.length, last, u);
}

/**
 * Fills `weights` (by id; relative to the likeliest token's, which is 1, so nothing overflows; 0 for what is out) and
 * `candidates` (ids of the others, ascending).
 * @returns the number of candidates
 */
function weigh(logits: Float32Array, max: number, row: PickRow): number {
  if (weights.length !== logits.length) {
    weights = new Float64Array(logits.length);
    candidates = new Uint32Array(logits.length);
  }
  const floor = Math.fround(max + floorOffset(row));
  bucketCounts.fill(0);
  bucketMasses.fill(0);
  let count = 0;
  for (let id = 0; id < logits.length; id++) {
    const isIn = logits[id] >= floor;
    const exponent = (logits[id] - max) / row.temperature;
    weights[id] = isIn ? Math.exp(exponent) : 0;
    if (!isIn) continue;
    candidates[count++] = id;
    const bucket = Math.min(Math.floor(-exponent), bucketCount - 1);
    bucketCounts[bucket]++;
    bucketMasses[bucket] += weights[id];
  }
  return count;
}

/** Keeps the candidates of the first buckets that are enough together: nearly all of a vocabulary goes here. Returns how many stay. */
function narrow(count: number, enough: Enough): number {
  let [bucket, n, mass] = [-1, 0, 0];
  while (bucket < bucketCount - 1 && !enough(n, mass)) {
    n += bucketCounts[++bucket];
    mass += bucketMasses[bucket];
  }
  const least = bucket === bucketCount - 1 ? 0 : Math.exp(-(bucket + 1)) * (1 - 1e-12);
  let kept = 0;
  for (let i = 0; i < count; i++) if (weights[candidates[i]] >= least) candidates[kept++] = candidates[i];
  return kept;
}

/** Whether the n heaviest candidates, of this mass together, are enough. */
type Enough = (n: number, mass: number) => boolean;

/** Heavier first, then the lower id. */
function before(a: number, b: number): boolean {
  return weights[a] > weights[b] || (weights[a] === weights[b] && a < b);
}

/**
 * The last of the shortest run of the heaviest candidates that is enough, found by quickselect: partition around a
 * pivot, go on in the part where the cut is. Reorders the first `count` candidates, so that the run stands in front.
 */
function cut(count: number, enough: Enough): number {
  const ids = candidates;
  let [low, high, mass] = [0, count, 0];
  // ids[0 … low-1] are in and not enough; ids[0 … high-1] are enough, or all there is.
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const pivot = ids[middle];
    // The pivot waits at the end, so that the others are parted around it in one pass.
    ids[middle] = ids[high - 1];
    let mid = low;
    let midMass = mass;
    for (let i = low; i < high - 1; i++) {
      const id = ids[i];
      if (!before(id, pivot)) continue;
      midMass += weights[id];
      ids[i] = ids[mid];
      ids[mid++] = id;
    }
    ids[high - 1] = ids[mid];
    ids[mid] = pivot;
    if (mid > low && enough(mid, midMass)) {
      high = mid;
      continue;
    }
    low = mid + 1;
    mass = midMass + weights[pivot];
    if (enough(low, mass)) return pivot;
  }
  return ids[high - 1];
}

/**
 * Inverse of the cumulative distribution, in order of ids.
 * @param last the lightest token that is in; -1: all candidates are
 */
function draw(vocabSize: number, last: number, u: number): number {
  const least = last < 0 ? Number.MIN_VALUE : weights[last];
  const lastId = last < 0 ? vocabSize : last;
  let total = 0;
  for (let id = 0; id < vocabSize; id++) {
    if (weights[id] > least || (weights[id] === least && id <= lastId)) total += weights[id];
  }
  let rest = u * total;
  let drawn = -1;
  for (let id = 0; id < vocabSize && rest >= 0; id++) {
    if (weights[id] < least || (weights[id] === least && id > lastId)) continue;
    rest -= weights[id];
    drawn = id;
  }
  return drawn;
}
