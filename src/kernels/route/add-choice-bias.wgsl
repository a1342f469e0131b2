@group(0) @binding(2) var<storage, read> bias: array<f32>; // [E]
fn choiceBias(expert: u32) -> f32 { return bias[expert]; }
