/** `c · tanh(x / c)`, any shape (Gemma Team 2024, arXiv:2408.00118). Infinity stays, for the sampler to find. */
export function capReference(x: Float32Array, c: number): Float32Array {
  return x.map((v) => (Number.isFinite(v) ? c * Math.tanh(v / c) : v));
}
