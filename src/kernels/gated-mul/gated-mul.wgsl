// activation(gate) · up, one invocation an element.
// include: ../row-grid.wgsl
// include: gated.wgsl

struct Params { intermediate: u32, tokens: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> gateUp: array<f32>; // [T, 2·I]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [T, I]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let token = gridRow(id.y, id.z);
  if (id.x >= p.intermediate || token >= p.tokens) { return; }
  let gate = gateUp[token * 2u * p.intermediate + id.x];
  let up = gateUp[(token * 2u + 1u) * p.intermediate + id.x];
  y[token * p.intermediate + id.x] = gated(vec4<f32>(gate), vec4<f32>(up)).x;
}
