import { activationReference } from '../activation/activation.reference.ts';
import type { Activation } from '../ops.ts';

/** gateUp `[T, 2·I]`, gate first → `activation(gate) · up` `[T, I]` (SwiGLU, GeGLU: Shazeer 2020). */
export function gatedMulReference(gateUp: Float32Array, intermediate: number, activation: Activation): Float32Array {
  const tokens = gateUp.length / (2 * intermediate);
  const y = new Float32Array(tokens * intermediate);
  for (let t = 0; t < tokens; t++) {
    for (let i = 0; i < intermediate; i++) {
      const gate = gateUp[t * 2 * intermediate + i];
      const up = gateUp[t * 2 * intermediate + intermediate + i];
      y[t * intermediate + i] = activationReference(gate, activation) * up;
    }
  }
  return y;
}
