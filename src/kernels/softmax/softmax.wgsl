// Softmax over a row on any GPU: a workgroup owns one row; maximum and sum are reduced through workgroup memory.

struct Params { columns: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<f32>; // [L, V]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [L, V]

const SIZE = 256u;
var<workgroup> partial: array<f32, SIZE>;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = wg.x * p.columns;
  var largest = x[row];
  for (var i = thread; i < p.columns; i += SIZE) { largest = max(largest, x[row + i]); }
  partial[thread] = largest;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partial[thread] = max(partial[thread], partial[thread + half]); }
  }
  workgroupBarrier();
  largest = partial[0];
  workgroupBarrier();
  var sum = 0.0;
  for (var i = thread; i < p.columns; i += SIZE) { sum += exp(x[row + i] - largest); }
  partial[thread] = sum;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partial[thread] += partial[thread + half]; }
  }
  workgroupBarrier();
  let scale = 1.0 / partial[0];
  for (var i = thread; i < p.columns; i += SIZE) { y[row + i] = exp(x[row + i] - largest) * scale; }
}
