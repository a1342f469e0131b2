// y = activation(x), one invocation an element.
// include: activation.wgsl

struct Params { features: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<f32>; // [T, I]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [T, I]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= p.features) { return; }
  let i = id.y * p.features + id.x;
  y[i] = activated(vec4<f32>(x[i])).x;
}
