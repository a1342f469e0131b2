// The formula of q8, for every kernel that quantizes: quantize.reference.ts defines it.

// Scale of a group, from the largest of its features without their signs.
fn q8Scale(largest: f32) -> f32 { return largest / 127.0; }

// Adding 1.5 · 2²³ rounds to integers, ties to even, and leaves them in the lowest bits: lavapipe's compiler takes a hundred
// instructions to convert 8 lanes.
fn q8Codes(v: vec4<f32>, scale: f32) -> vec4<i32> {
  return bitcast<vec4<i32>>(v / max(scale, 1e-30) + 12582912.0) - vec4<i32>(0x4b400000);
}
