// Eight f16 weights times eight values, times 2⁻¹¹²: the bits of f16 are moved into those of f32 and their exponents stay what they
// are, which takes lavapipe half of the instructions of unpack2x16float. Subnormal f16 may be taken for 0. The power of two
// belongs to the values and to the sum, half of it to each, lest products leave the range of f32.
const HALF_POWER = 0x1p56f;

fn movedHalves(w: vec4<u32>) -> vec4<f32> {
  return bitcast<vec4<f32>>((bitcast<vec4<u32>>(bitcast<vec4<i32>>(w) >> vec4<u32>(3u))) & vec4<u32>(0x8fffe000u));
}

fn eightProducts(w: vec4<u32>, a: vec4<f32>, b: vec4<f32>) -> f32 {
  let low = movedHalves(w << vec4<u32>(16u));
  let high = movedHalves(w);
  return dot(vec4<f32>(low.x, high.x, low.y, high.y), a) + dot(vec4<f32>(low.z, high.z, low.w, high.w), b);
}
