import { activationReference } from '../activation/activation.reference.ts';
import type { Activation, StateRun } from '../ops.ts';

export interface ShortConvShape {
  /** C */
  readonly channels: number;
  /** K */
  readonly taps: number;
  /** x [T, W]: the first column that counts. */
  readonly from: number;
  /** W */
  readonly width: number;
  readonly gated: boolean;
  readonly activation: Activation | null;
}

/**
 * Causal convolution of each channel by itself: `y[t] = f(bias + Σ_j weight[j] · u[t - K + 1 + j])`, weight [C, K]. u is x, or,
 * gated, the product of two thirds of x's columns (B · x), of which the third one (C, between them) multiplies y (LFM2's
 * short convolution, as in transformers' modeling_lfm2.py; Mamba's and Gated DeltaNet's have SiLU for f).
 *
 * A state holds the last K - 1 values of u, [K - 1, C], the oldest first; `states[row · floats + offset …]`.
 */
export function shortConvReference(
  x: Float32Array,
  weight: Float32Array,
  bias: Float32Array | null,
  shape: ShortConvShape,
  states: Float32Array,
  stateAt: (row: number) => number,
  runs: readonly StateRun[],
): Float32Array {
  const { channels, taps, from, width, gated, activation } = shape;
  const y = new Float32Array((x.length / width) * channels);
  const kept = (taps - 1) * channels;
  for (const { first, count, before, behind, keeps } of runs) {
    // The inputs of the tokens in front, then of the run's own.
    const u = new Float32Array((taps - 1 + count) * channels);
    if (before !== null) u.set(states.subarray(stateAt(before), stateAt(before) + kept));
    for (let i = 0; i < count; i++) {
      const token = (first + i) * width + from;
      for (let c = 0; c < channels; c++)
        u[(taps - 1 + i) * channels + c] = gated ? x[token + c] * x[token + 2 * channels + c] : x[token + c];
      for (let c = 0; c < channels; c++) {
        let sum = bias ? bias[c] : 0;
        for (let j = 0; j < taps; j++) sum += weight[c * taps + j] * u[(i + j) * channels + c];
        const value = activation ? activationReference(sum, activation) : sum;
        y[(first + i) * channels + c] = gated ? value * x[token + channels + c] : value;
      }
    }
    const behindToken = (n: number) => u.subarray(n * channels, n * channels + kept);
    states.set(behindToken(count), stateAt(behind));
    for (const { after, row } of keeps) states.set(behindToken(after), stateAt(row));
  }
  return y;
}
