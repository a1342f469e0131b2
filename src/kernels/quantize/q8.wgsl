// The formula of q8, for every kernel that quantizes: quantize.reference.ts defines it.

// Scale of a group, from the largest of its features without their signs.
fn q8Scale(largest: f32) -> f32 { return largest / 127.0; }

fn q8Codes(v: vec4<f32>, scale: f32) -> vec4<i32> { return vec4<i32>(round(v / max(scale, 1e-30))); }
