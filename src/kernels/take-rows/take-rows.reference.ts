/** x `[T, H]`, indices `[L]` → rows `[L, H]`. */
export function takeRowsReference(x: Float32Array, indices: Uint32Array, features: number): Float32Array {
  const y = new Float32Array(indices.length * features);
  indices.forEach((index, l) => {
    y.set(x.subarray(index * features, (index + 1) * features), l * features);
  });
  return y;
}
