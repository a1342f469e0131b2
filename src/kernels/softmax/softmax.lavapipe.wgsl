// Softmax over a row where one subgroup of 8 lanes is the whole workgroup (lavapipe). A workgroup owns one row.
enable subgroups;

struct Params { columns: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<f32>; // [L, V]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [L, V]

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let row = wg.x * p.columns;
  var largest = x[row];
  for (var i = lane; i < p.columns; i += 8u) { largest = max(largest, x[row + i]); }
  largest = subgroupMax(largest);
  var sum = 0.0;
  for (var i = lane; i < p.columns; i += 8u) { sum += exp(x[row + i] - largest); }
  let scale = 1.0 / subgroupAdd(sum);
  for (var i = lane; i < p.columns; i += 8u) { y[row + i] = exp(x[row + i] - largest) * scale; }
}
