@group(0) @binding(4) var<storage, read> bias: array<f32>; // [N]
fn biasOf(row: u32) -> f32 { return bias[row]; }
