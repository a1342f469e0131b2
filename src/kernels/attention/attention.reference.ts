import { alibiSlopes } from './alibi.ts';
import type { AttentionSpec } from '../ops.ts';
import type { HeadShape } from './head-shape.ts';

/** Keys `[slots + 1, kvHeads, keyDim]`, and values that lie like them. */
export interface ReferenceHeads extends HeadShape {
  readonly keys: Float32Array;
  readonly values: Float32Array;
}

/**
 * One token's attention: query `[Hq, keyDim]` at `position`, over the keys and values at `slots[0 … position]`
 * (Vaswani et al. 2017; query head h reads key-value head floor(h · Hkv / Hq)) → out `[Hq, valueDim]`.
 */
export function attentionReference(
  query: Float32Array,
  slots: Uint32Array,
  position: number,
  { kvHeads, keyDim, valueDim, keys, values }: ReferenceHeads,
  spec: AttentionSpec,
): Float32Array {
  const first = spec.slidingWindow === undefined ? 0 : Math.max(0, position - spec.slidingWindow + 1);
  const slopes = spec.alibi === undefined ? null : alibiSlopes(spec.heads).map((slope) => slope * (spec.alibi ?? 0));
  const sinks = spec.sinks === undefined ? null : (spec.sinks.storage as Float32Array);
  const out = new Float32Array(spec.heads * valueDim);
  const scores = new Float64Array(position + 1);
  for (let h = 0; h < spec.heads; h++) {
    const kvHead = Math.floor((h * kvHeads) / spec.heads);
    let max = sinks ? sinks[h] : -Infinity;
    for (let p = first; p <= position; p++) {
      const key = (slots[p] * kvHeads + kvHead) * keyDim;
      let dot = 0;
      for (let d = 0; d < keyDim; d++) dot += query[h * keyDim + d] * keys[key + d];
      const score = dot * spec.scale + (slopes ? slopes[h] * (p - position) : 0);
      scores[p] = spec.softcap === undefined ? score : spec.softcap * Math.tanh(score / spec.softcap);
      max = Math.max(max, scores[p]);
    }
    let sum = sinks ? Math.exp(sinks[h] - max) : 0;
    for (let p = first; p <= position; p++) {
      scores[p] = Math.exp(scores[p] - max);
      sum += scores[p];
    }
    for (let d = 0; d < valueDim; d++) {
      let mix = 0;
      for (let p = first; p <= position; p++) mix += scores[p] * values[(slots[p] * kvHeads + kvHead) * keyDim + d];
      out[h * valueDim + d] = mix / sum;
    }
  }
  return out;
}
