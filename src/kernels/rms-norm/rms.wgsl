// RMSNorm's formula, for every kernel that norms: rms-norm.reference.ts defines it.

// What a row of so many features is multiplied by, from the sum of their squares.
fn rmsScale(squares: f32, features: u32, eps: f32) -> f32 { return 1.0 / sqrt(squares / f32(features) + eps); }

// Four features; a kernel that has one takes .x.
fn rmsNormed(x: vec4<f32>, scale: f32, weight: vec4<f32>) -> vec4<f32> { return x * scale * weight; }
