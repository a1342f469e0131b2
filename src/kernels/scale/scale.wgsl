// y = factor · x, one invocation an element.

struct Params { columns: u32, factor: f32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<f32>; // [L, V]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [L, V]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= p.columns) { return; }
  let i = id.y * p.columns + id.x;
  y[i] = p.factor * x[i];
}
