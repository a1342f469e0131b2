// Rows of x and y, four features at a time. features.ragged.wgsl takes its place where four do not divide them.
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>; // [T, H / 4]
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>; // [H / 4]
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>; // [T, H / 4]

fn features(row: u32, quad: u32) -> vec4<f32> { return x[row * (p.features / 4u) + quad]; }
fn weightsOf(quad: u32) -> vec4<f32> { return weight[quad]; }
fn storeFeatures(row: u32, quad: u32, value: vec4<f32>) { y[row * (p.features / 4u) + quad] = value; }
