// In place of features.wgsl: each with a bound check.
@group(0) @binding(0) var<storage, read> x: array<f32>; // [T, H]
@group(0) @binding(1) var<storage, read> weight: array<f32>; // [H]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [T, H]

fn features(row: u32, quad: u32) -> vec4<f32> {
  var v = vec4<f32>(0.0);
  for (var j = 0u; j < min(4u, p.features - 4u * quad); j++) { v[j] = x[row * p.features + 4u * quad + j]; }
  return v;
}

fn weightsOf(quad: u32) -> vec4<f32> {
  var v = vec4<f32>(0.0);
  for (var j = 0u; j < min(4u, p.features - 4u * quad); j++) { v[j] = weight[4u * quad + j]; }
  return v;
}

fn storeFeatures(row: u32, quad: u32, value: vec4<f32>) {
  for (var j = 0u; j < min(4u, p.features - 4u * quad); j++) { y[row * p.features + 4u * quad + j] = value[j]; }
}
