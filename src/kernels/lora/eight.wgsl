// Eight f16 weights times eight values.
fn eightProducts(w: vec4<u32>, a: vec4<f32>, b: vec4<f32>) -> f32 {
  return dot(vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y)), a)
    + dot(vec4<f32>(unpack2x16float(w.z), unpack2x16float(w.w)), b);
}
