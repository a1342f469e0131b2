// RMSNorm on any GPU: a workgroup owns one token, its sum of squares is reduced through workgroup memory.
// include: rms.wgsl
// include: ../group.wgsl

struct Params { features: u32, eps: f32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<f32>; // [T, H]
@group(0) @binding(1) var<storage, read> weight: array<f32>; // [H]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [T, H]

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = wg.x * p.features;
  var sum = 0.0;
  for (var i = thread; i < p.features; i += SIZE) {
    let v = x[row + i];
    sum += v * v;
  }
  let scale = rmsScale(groupAdd(thread, sum), p.features, p.eps);
  for (var i = thread; i < p.features; i += SIZE) {
    y[row + i] = rmsNormed(vec4<f32>(x[row + i]), scale, vec4<f32>(weight[i])).x;
  }
}
