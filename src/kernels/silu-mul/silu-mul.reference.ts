/** gateUp `[T, 2·I]`, gate first → `silu(gate) · up` `[T, I]` with `silu(x) = x / (1 + exp(-x))` (SwiGLU, Shazeer 2020). */
export function siluMulReference(gateUp: Float32Array, intermediate: number): Float32Array {
  const tokens = gateUp.length / (2 * intermediate);
  const y = new Float32Array(tokens * intermediate);
  for (let t = 0; t < tokens; t++) {
    for (let i = 0; i < intermediate; i++) {
      const gate = gateUp[t * 2 * intermediate + i];
      const up = gateUp[t * 2 * intermediate + intermediate + i];
      y[t * intermediate + i] = (gate / (1 + Math.exp(-gate))) * up;
    }
  }
  return y;
}
