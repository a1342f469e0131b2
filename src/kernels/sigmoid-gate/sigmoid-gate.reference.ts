/** `x · sigmoid(gate)`: x `[T, N]`, gate `[T, N]` or `[T, 1]` of `gateColumns` columns. */
export function sigmoidGateReference(
  x: Float32Array,
  columns: number,
  gate: Float32Array,
  gateColumns: number,
): Float32Array {
  return x.map((v, i) => v / (1 + Math.exp(-gate[gateColumns === 1 ? Math.floor(i / columns) : i])));
}
