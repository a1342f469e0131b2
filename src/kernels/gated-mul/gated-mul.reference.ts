import { activationReference } from '../activation/activation.reference.ts';
import type { GatedActivation } from '../ops.ts';

/** swigluoai: the reference code of gpt-oss (github.com/openai/gpt-oss, `swiglu`), and GptOssExperts of transformers. */
function gated(gate: number, up: number, activation: GatedActivation): number {
  if (activation !== 'swigluoai') return activationReference(gate, activation) * up;
  const g = Math.min(gate, 7);
  return (g / (1 + Math.exp(-1.702 * g))) * (Math.max(-7, Math.min(7, up)) + 1);
}

/** gateUp `[T, 2·I]`, gate first → `activation(gate) · up` `[T, I]` (SwiGLU, GeGLU: Shazeer 2020), or swigluoai of the two. */
export function gatedMulReference(
  gateUp: Float32Array,
  intermediate: number,
  activation: GatedActivation,
): Float32Array {
  const tokens = gateUp.length / (2 * intermediate);
  const y = new Float32Array(tokens * intermediate);
  for (let t = 0; t < tokens; t++) {
    for (let i = 0; i < intermediate; i++) {
      const gate = gateUp[t * 2 * intermediate + i];
      const up = gateUp[t * 2 * intermediate + intermediate + i];
      y[t * intermediate + i] = gated(gate, up, activation);
    }
  }
  return y;
}
