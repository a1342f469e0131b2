// Softmax over a row on any GPU: a workgroup owns one row; maximum and sum are reduced through workgroup memory.
// include: ../group.wgsl

struct Params { columns: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<f32>; // [L, V]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [L, V]

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = wg.x * p.columns;
  var largest = x[row];
  for (var i = thread; i < p.columns; i += SIZE) { largest = max(largest, x[row + i]); }
  largest = groupMaxF32(thread, largest);
  var sum = 0.0;
  for (var i = thread; i < p.columns; i += SIZE) { sum += exp(x[row + i] - largest); }
  let scale = 1.0 / groupAdd(thread, sum);
  for (var i = thread; i < p.columns; i += SIZE) { y[row + i] = exp(x[row + i] - largest) * scale; }
}
