// h[t, part, r] = scale · Σ_k A[r, k] · x[t, k], of the adapter in each token's slot. A workgroup owns a group of 8 ranks of one
// part and token: 8 ranks side by side, and 8 teams that stride over the columns in chunks of 8; their sums meet in workgroup
// memory. Right for any subgroup size.
// include: parts.wgsl
// include: slot.wgsl
// include: ../matmul/chunk.f16.wgsl
// include: ../matmul/input.f32.wgsl

struct Params {
  rows0: u32, rows1: u32, rows2: u32, parts: u32,
  groups: u32, // of a slot, at most
  adapters: u32, // of `step`, in u32
  slotTexels: u32, // of a slot
  cols: u32, chunks: u32, blocks: u32, // columns; in chunks of 8; of A, in blocks of 64
}
var<immediate> p: Params;

@group(0) @binding(3) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(4) var<storage, read_write> h: array<f32>; // [T, parts, groups, 8]

const TEAMS = 8u;
var<workgroup> partial: array<f32, 64>; // [team][rank]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let token = wg.y;
  let slot = step[p.adapters + token];
  if (slot == NO_ADAPTER) { return; }
  let part = loraPart(weights[slot * p.slotTexels + wg.x / p.groups]);
  let group = wg.x % p.groups;
  if (group >= part.groups) { return; }
  let at = part.a + group * p.blocks * 64u + thread % 8u;
  var sum = 0.0;
  for (var chunk = thread / 8u; chunk < p.chunks; chunk += TEAMS) {
    let w = weightChunk(at + chunk * 8u);
    let x = inputChunk(token, chunk);
    sum += dot(w.a, x.a) + dot(w.b, x.b);
  }
  partial[thread] = sum;
  workgroupBarrier();
  if (thread >= 8u) { return; }
  var whole = 0.0;
  for (var team = 0u; team < TEAMS; team++) { whole += partial[team * 8u + thread]; }
  h[(token * p.parts * p.groups + wg.x) * 8u + thread] = scaledRank(part, whole);
}
