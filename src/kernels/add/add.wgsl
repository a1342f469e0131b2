// y = a + scale · b, one invocation an element.

struct Params { features: u32, scale: f32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> a: array<f32>; // [T, H]
@group(0) @binding(1) var<storage, read> b: array<f32>; // [T, H]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [T, H]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= p.features) { return; }
  let i = id.y * p.features + id.x;
  y[i] = a[i] + p.scale * b[i];
}
