// LayerNorm on any GPU: a workgroup owns one token, its sums are reduced through workgroup memory.
// include: ../group.wgsl

struct Params { features: u32, eps: f32 }
var<immediate> p: Params;

override BIAS: u32; // 0: there is none, and what is bound is not read

@group(0) @binding(0) var<storage, read> x: array<f32>; // [T, H]
@group(0) @binding(1) var<storage, read> weight: array<f32>; // [H]
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [H]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [T, H]

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = wg.x * p.features;
  var sum = 0.0;
  for (var i = thread; i < p.features; i += SIZE) { sum += x[row + i]; }
  let mean = groupAdd(thread, sum) / f32(p.features);
  var squares = 0.0;
  for (var i = thread; i < p.features; i += SIZE) {
    let v = x[row + i] - mean;
    squares += v * v;
  }
  let scale = 1.0 / sqrt(groupAdd(thread, squares) / f32(p.features) + p.eps);
  for (var i = thread; i < p.features; i += SIZE) {
    var v = (x[row + i] - mean) * scale * weight[i];
    if (BIAS == 1u) { v += bias[i]; }
    y[row + i] = v;
  }
}
