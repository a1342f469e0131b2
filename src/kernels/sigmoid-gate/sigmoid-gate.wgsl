// x · sigmoid(gate), one invocation an element.

struct Params { columns: u32, gateColumns: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<f32>; // [T, N]
@group(0) @binding(1) var<storage, read> gate: array<f32>; // [T, N] or [T, 1]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [T, N]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= p.columns) { return; }
  let at = id.y * p.columns + id.x;
  y[at] = x[at] / (1.0 + exp(-gate[id.y * p.gateColumns + min(id.x, p.gateColumns - 1u)]));
}
