/** The bits of x as f32, for float members of an immediates block. */
export function floatBits(x: number): number {
  float[0] = x;
  return bits[0];
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);
