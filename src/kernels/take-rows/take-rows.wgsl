// Copies the rows whose indices one list of the step holds. A workgroup owns one row of the result.

struct Params { offset: u32, features: u32 } // of the list in `step`, in u32
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<f32>; // [T, H]
@group(0) @binding(1) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [L, H]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = step[p.offset + wg.x];
  for (var i = thread; i < p.features; i += 64u) {
    y[wg.x * p.features + i] = x[row * p.features + i];
  }
}
