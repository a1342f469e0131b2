// f32 → f16 to nearest, ties to even, as f32ToF16 of tensor/f16.ts: pack2x16float may round either way, and adapters without
// shader-f16 have no other conversion.
fn halves(v: vec2<f32>) -> u32 {
  let bits = bitcast<vec2<u32>>(v);
  let a = bits & vec2<u32>(0x7fffffffu);
  let normal = (a - 0x38000000u + 0xfffu + ((a >> vec2<u32>(13u)) & vec2<u32>(1u))) >> vec2<u32>(13u);
  // Below 2⁻¹⁴: beside 0.5 the last bit of an f32 is worth 2⁻²⁴, as that of an f16 there.
  let small = bitcast<vec2<u32>>(bitcast<vec2<f32>>(a) + 0.5) - 0x3f000000u;
  let large = select(vec2<u32>(0x7c00u), vec2<u32>(0x7e00u), a > vec2<u32>(0x7f800000u)); // infinity, NaN
  let finite = select(normal, small, a < vec2<u32>(0x38800000u));
  let half = select(finite, large, a >= vec2<u32>(0x477ff000u)) | ((bits >> vec2<u32>(16u)) & vec2<u32>(0x8000u));
  return half.x | (half.y << 16u);
}
