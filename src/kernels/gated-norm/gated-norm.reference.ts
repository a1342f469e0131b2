import { activationReference } from '../activation/activation.reference.ts';

export interface GatedNormShape {
  /** Columns that are normalized together; x's are a multiple. */
  readonly over: number;
  /** Of gate [T, W]. */
  readonly gateWidth: number;
  readonly gateFrom: number;
  readonly gatesFirst: boolean;
  readonly eps: number;
}

/**
 * `rms(x) · weight · silu(gate)` (Gated DeltaNet), or, where the gate comes first, `rms(x · silu(gate)) · weight` (Mamba-2):
 * x [T, N] in runs of `over` columns, weight [N] or [over], the same for each run; rms(x) = x / √(mean(x²) + eps).
 */
export function gatedNormReference(
  x: Float32Array,
  columns: number,
  gate: Float32Array,
  weight: Float32Array,
  { over, gateWidth, gateFrom, gatesFirst, eps }: GatedNormShape,
): Float32Array {
  const y = new Float32Array(x.length);
  for (let start = 0; start < x.length; start += over) {
    const column = start % columns;
    const at = Math.floor(start / columns) * gateWidth + gateFrom + column;
    const factor = (i: number) => activationReference(gate[at + i], 'silu');
    const value = (i: number) => x[start + i] * (gatesFirst ? factor(i) : 1);
    let sum = 0;
    for (let i = 0; i < over; i++) sum += value(i) ** 2;
    const scale = 1 / Math.sqrt(sum / over + eps);
    for (let i = 0; i < over; i++)
      y[start + i] = value(i) * scale * weight[(column + i) % weight.length] * (gatesFirst ? 1 : factor(i));
  }
  return y;
}
