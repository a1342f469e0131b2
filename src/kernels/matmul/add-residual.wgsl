@group(0) @binding(5) var<storage, read> residual: array<f32>; // [T, N]
fn residualAt(at: u32) -> f32 { return residual[at]; }
