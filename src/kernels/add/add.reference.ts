/** `a + scale · b`, both `[T, H]`. */
export function addReference(a: Float32Array, b: Float32Array, scale: number): Float32Array {
  return a.map((v, i) => v + scale * b[i]);
}
