// y = c · tanh(x / c), one invocation an element.

struct Params { columns: u32, c: f32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<f32>; // [L, V]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [L, V]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= p.columns) { return; }
  let i = id.y * p.columns + id.x;
  // Beyond ±15 tanh is ±1 in f32, and some drivers overflow on their way there. What is not finite stays so: the sampler
  // looks for it.
  let ratio = x[i] / p.c;
  let isFinite = (bitcast<u32>(x[i]) & 0x7f800000u) != 0x7f800000u;
  y[i] = select(x[i], p.c * tanh(clamp(ratio, -15.0, 15.0)), isFinite);
}
