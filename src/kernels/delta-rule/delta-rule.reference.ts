import type { StateRun } from '../ops.ts';
import { softplus } from '../selective-scan/selective-scan.reference.ts';

export interface DeltaRuleShape {
  readonly keyHeads: number;
  readonly valueHeads: number;
  /** Dk */
  readonly keyDim: number;
  /** Dv */
  readonly valueDim: number;
}

/** Columns of one token's row: what lies at `row · width + from`. */
interface Input {
  readonly data: Float32Array;
  readonly width: number;
  readonly from: number;
}

/**
 * The gated delta rule (Yang et al. 2024, arXiv:2412.06464), token by token. For each value head h with a state S [Dk, Dv],
 * and the query and key head that it shares with its neighbours, both divided by √(Σx² + 1e-6):
 *
 *   S ← S · exp(rate[h] · softplus(a[h] + stepBias[h]))
 *   S ← S + k ⊗ (v - Sᵀk) · sigmoid(b[h])
 *   y = Sᵀq / √Dk
 *
 * qkv [T, 2·Hk·Dk + Hv·Dv]: queries, keys, values; gates: columns b [Hv], then a [Hv]; a state [Hv, Dk, Dv].
 */
export function deltaRuleReference(
  qkv: Float32Array,
  gates: Input,
  rate: Float32Array,
  stepBias: Float32Array,
  { keyHeads, valueHeads, keyDim, valueDim }: DeltaRuleShape,
  states: Float32Array,
  stateAt: (row: number) => number,
  runs: readonly StateRun[],
): Float32Array {
  const keysAt = keyHeads * keyDim;
  const width = 2 * keysAt + valueHeads * valueDim;
  const y = new Float32Array((qkv.length / width) * valueHeads * valueDim);
  const size = keyDim * valueDim;
  const unit = (at: number): Float32Array => {
    const x = qkv.subarray(at, at + keyDim);
    const scale = 1 / Math.sqrt(x.reduce((n, v) => n + v * v, 0) + 1e-6);
    return x.map((v) => v * scale);
  };
  for (const { first, count, before, behind, keeps } of runs) {
    for (let h = 0; h < valueHeads; h++) {
      const S = new Float32Array(size);
      if (before !== null) S.set(states.subarray(stateAt(before) + h * size, stateAt(before) + (h + 1) * size));
      const keyHead = Math.floor(h / (valueHeads / keyHeads));
      for (let i = 0; i < count; i++) {
        const token = (first + i) * width;
        const q = unit(token + keyHead * keyDim);
        const k = unit(token + keysAt + keyHead * keyDim);
        const v = qkv.subarray(token + 2 * keysAt + h * valueDim, token + 2 * keysAt + (h + 1) * valueDim);
        const gate = (first + i) * gates.width + gates.from + h;
        const beta = 1 / (1 + Math.exp(-gates.data[gate]));
        const decay = Math.exp(rate[h] * softplus(gates.data[gate + valueHeads] + stepBias[h]));
        for (let j = 0; j < valueDim; j++) {
          let known = 0;
          for (let d = 0; d < keyDim; d++) known += S[d * valueDim + j] * decay * k[d];
          const change = (v[j] - known) * beta;
          let out = 0;
          for (let d = 0; d < keyDim; d++) {
            const value = S[d * valueDim + j] * decay + k[d] * change;
            S[d * valueDim + j] = value;
            out += value * q[d];
          }
          y[(first + i) * valueHeads * valueDim + h * valueDim + j] = out / Math.sqrt(keyDim);
        }
        for (const { after, row } of keeps) if (after === i + 1) states.set(S, stateAt(row) + h * size);
      }
      states.set(S, stateAt(behind) + h * size);
    }
  }
  return y;
}
