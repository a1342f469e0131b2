// RMSNorm with a gate, in front of it or behind it: gated-norm.reference.ts defines it. A workgroup owns one run of columns
// of one token that is normalized together. Behind group.wgsl or group.lavapipe.wgsl.
// include: ../activation/activation.wgsl
// include: ../rms-norm/rms.wgsl

struct Params { columns: u32, over: u32, weights: u32, gateWidth: u32, gateStart: u32, eps: f32 }
var<immediate> p: Params;

override GATES_FIRST: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>; // [T, columns]
@group(0) @binding(1) var<storage, read> gate: array<f32>; // [T, gateWidth]
@group(0) @binding(2) var<storage, read> weight: array<f32>; // [weights]: columns or over
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [T, columns]

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let column = wg.x * p.over;
  let first = wg.y * p.columns + column;
  let gates = wg.y * p.gateWidth + p.gateStart + column;
  var squares = 0.0;
  for (var i = thread; i < p.over; i += SIZE) {
    var v = x[first + i];
    if (GATES_FIRST == 1u) { v *= activated(vec4<f32>(gate[gates + i])).x; }
    squares += v * v;
  }
  let scale = rmsScale(groupAdd(thread, squares), p.over, p.eps);
  for (var i = thread; i < p.over; i += SIZE) {
    let gated = activated(vec4<f32>(gate[gates + i])).x;
    y[first + i] = rmsNormed(vec4<f32>(x[first + i] * gated), scale, vec4<f32>(weight[(column + i) % p.weights])).x;
  }
}
