// Forbids every token whose bit is not set. A thread owns one word of a mask: 32 columns.
// NaN and +infinity stay as they are, so that argmax finds what is wrong with the row, whatever the mask forbids.
// include: ../argmax/spoiled.wgsl

struct Params { columns: u32, offset: u32, words: u32 }
var<immediate> p: Params;

// Far below any logit, and finite: compilers may assume that there is no infinity.
const FORBIDDEN = -1e38;

@group(0) @binding(0) var<storage, read_write> logits: array<f32>; // [L, V]
@group(0) @binding(1) var<storage, read> plan: array<u32>; // [M, 2 + words] at `offset`: sampling-plan.ts

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= p.words) { return; }
  let entry = p.offset + (2u + p.words) * id.y;
  let word = plan[entry + 2u + id.x];
  let ignoresLogits = plan[entry + 1u] == 1u;
  if (word == 0xffffffffu && !ignoresLogits) { return; }
  let row = plan[entry] * p.columns;
  for (var bit = 0u; bit < min(32u, p.columns - 32u * id.x); bit++) {
    let at = row + 32u * id.x + bit;
    if (isSpoiled(logits[at])) { continue; }
    if (((word >> bit) & 1u) == 0u) { logits[at] = FORBIDDEN; } else if (ignoresLogits) { logits[at] = 0.0; }
  }
}
