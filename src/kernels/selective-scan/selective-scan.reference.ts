import type { StateRun } from '../ops.ts';

export interface SelectiveScanShape {
  readonly heads: number;
  /** P */
  readonly headDim: number;
  /** Of heads that share B and C. */
  readonly groups: number;
  /** N */
  readonly stateSize: number;
  /** What softplus gives is kept within these. */
  readonly stepLimit: readonly [number, number];
}

/** Columns of one token's row: what lies at `row · width + from`. */
interface Input {
  readonly data: Float32Array;
  readonly width: number;
  readonly from: number;
}

/** log(1 + exp(x)) */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/**
 * Mamba-2's scan (Dao and Gu 2024, arXiv:2405.21060), token by token. For each head h with a state S [N, P] and
 * Δ = softplus(step[h] + stepBias[h]) within its limits:
 *
 *   S ← S · exp(rate[h] · Δ) + B ⊗ x · Δ
 *   y = Sᵀ C + skip[h] · x
 *
 * xbc [T, H·P + 2·G·N]: x by heads, then B and C by groups; steps: columns [H]; a state [H, N, P].
 */
export function selectiveScanReference(
  xbc: Float32Array,
  steps: Input,
  { rate, stepBias, skip }: { rate: Float32Array; stepBias: Float32Array; skip: Float32Array },
  { heads, headDim, groups, stateSize, stepLimit }: SelectiveScanShape,
  states: Float32Array,
  stateAt: (row: number) => number,
  runs: readonly StateRun[],
): Float32Array {
  const inner = heads * headDim;
  const width = inner + 2 * groups * stateSize;
  const y = new Float32Array((xbc.length / width) * inner);
  const size = stateSize * headDim;
  for (const { first, count, before, behind, keeps } of runs) {
    for (let h = 0; h < heads; h++) {
      const S = new Float32Array(size);
      if (before !== null) S.set(states.subarray(stateAt(before) + h * size, stateAt(before) + (h + 1) * size));
      const group = Math.floor(h / (heads / groups)) * stateSize;
      for (let i = 0; i < count; i++) {
        const token = (first + i) * width;
        const B = xbc.subarray(token + inner + group, token + inner + group + stateSize);
        const C = xbc.subarray(token + inner + groups * stateSize + group).subarray(0, stateSize);
        const step = softplus(steps.data[(first + i) * steps.width + steps.from + h] + stepBias[h]);
        const delta = Math.min(Math.max(step, stepLimit[0]), stepLimit[1]);
        const decay = Math.exp(rate[h] * delta);
        for (let p = 0; p < headDim; p++) {
          const x = xbc[token + h * headDim + p];
          let out = 0;
          for (let n = 0; n < stateSize; n++) {
            const value = S[n * headDim + p] * decay + B[n] * (x * delta);
            S[n * headDim + p] = value;
            out += value * C[n];
          }
          y[(first + i) * inner + h * headDim + p] = out + skip[h] * x;
        }
        for (const { after, row } of keeps) if (after === i + 1) states.set(S, stateAt(row) + h * size);
      }
      states.set(S, stateAt(behind) + h * size);
    }
  }
  return y;
}
