import { f16Table } from '../../tensor/f16.ts';
import { NO_ADAPTER, type Lora, type LoraWeights } from '../ops.ts';

export interface ReferenceLora extends Lora {
  /** By slot. */
  readonly storage: LoraWeights[];
}

/**
 * y `[T, N]`, x `[T, K]`, slots `[T]` → `y[t, n] + scale · Σ_r B[n, r] · Σ_k A[r, k] · x[t, k]` of the adapter in the token's
 * slot, for each of the stacked parts of N. Source: Hu et al. 2021, arXiv:2106.09685; many adapters in one batch: Chen et al.
 * 2023 (Punica), arXiv:2310.18547.
 */
export function addLoraReference(
  y: Float32Array,
  x: Float32Array,
  { parts, cols, storage }: ReferenceLora,
  slots: Uint32Array,
): Float32Array {
  const half = f16Table();
  const out = y.slice();
  const rows = parts.reduce((n, part) => n + part, 0);
  slots.forEach((slot, t) => {
    if (slot === NO_ADAPTER) return;
    let first = t * rows;
    storage[slot].forEach((part, p) => {
      if (part) {
        const { rank, scale, a, b } = part;
        const hidden = new Float32Array(rank);
        for (let r = 0; r < rank; r++) {
          let sum = 0;
          for (let k = 0; k < cols; k++) sum += half[a[r * cols + k]] * x[t * cols + k];
          hidden[r] = scale * sum;
        }
        for (let n = 0; n < parts[p]; n++) {
          let sum = 0;
          for (let r = 0; r < rank; r++) sum += half[b[n * rank + r]] * hidden[r];
          out[first + n] += sum;
        }
      }
      first += parts[p];
    });
  });
  return out;
}
