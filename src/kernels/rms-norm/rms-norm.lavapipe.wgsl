// RMSNorm where one subgroup of 8 lanes is the whole workgroup (lavapipe): no workgroup memory, no barrier.
// A workgroup owns one token; lane l takes features l, l + 8, ….
// include: rms.wgsl
enable subgroups;

struct Params { features: u32, eps: f32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<f32>; // [T, H]
@group(0) @binding(1) var<storage, read> weight: array<f32>; // [H]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [T, H]

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let row = wg.x * p.features;
  var sum = 0.0;
  for (var i = lane; i < p.features; i += 8u) {
    let v = x[row + i];
    sum += v * v;
  }
  let scale = rmsScale(subgroupAdd(sum), p.features, p.eps);
  for (var i = lane; i < p.features; i += 8u) {
    y[row + i] = rmsNormed(vec4<f32>(x[row + i]), scale, vec4<f32>(weight[i])).x;
  }
}
