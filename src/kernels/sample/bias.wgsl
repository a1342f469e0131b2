// logits[row, id] += bias, for each entry (row, id, bias) of a list.

struct Params { columns: u32, offset: u32, count: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> logits: array<f32>; // [L, V]
@group(0) @binding(1) var<storage, read> plan: array<u32>; // the list [count, 3] at `offset`: sampling-plan.ts

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= p.count) { return; }
  let entry = p.offset + 3u * id.x;
  logits[plan[entry] * p.columns + plan[entry + 1u]] += bitcast<f32>(plan[entry + 2u]);
}
