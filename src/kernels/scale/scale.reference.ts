/** `factor · x`, any shape. */
export function scaleReference(x: Float32Array, factor: number): Float32Array {
  return x.map((v) => factor * v);
}
