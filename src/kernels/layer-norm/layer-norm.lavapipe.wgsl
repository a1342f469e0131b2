// LayerNorm where one subgroup of 8 lanes is the whole workgroup (lavapipe): no workgroup memory, no barrier.
// A workgroup owns one token; lane l takes features l, l + 8, ….
enable subgroups;

struct Params { features: u32, eps: f32 }
var<immediate> p: Params;

override BIAS: u32; // 0: there is none, and what is bound is not read

@group(0) @binding(0) var<storage, read> x: array<f32>; // [T, H]
@group(0) @binding(1) var<storage, read> weight: array<f32>; // [H]
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [H]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [T, H]

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let row = wg.x * p.features;
  var sum = 0.0;
  for (var i = lane; i < p.features; i += 8u) { sum += x[row + i]; }
  let mean = subgroupAdd(sum) / f32(p.features);
  var squares = 0.0;
  for (var i = lane; i < p.features; i += 8u) {
    let v = x[row + i] - mean;
    squares += v * v;
  }
  let scale = 1.0 / sqrt(subgroupAdd(squares) / f32(p.features) + p.eps);
  for (var i = lane; i < p.features; i += 8u) {
    var v = (x[row + i] - mean) * scale * weight[i];
    if (BIAS == 1u) { v += bias[i]; }
    y[row + i] = v;
  }
}
