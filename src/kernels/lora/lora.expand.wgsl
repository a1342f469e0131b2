// y[t, n] += Σ_r B[n, r] · h[t, part, r], of the adapter in each token's slot. An invocation owns a row of a token.
// include: parts.wgsl
// include: slot.wgsl
// include: ../matmul/chunk.f16.wgsl

struct Params {
  rows0: u32, rows1: u32, rows2: u32, parts: u32,
  groups: u32, // of a slot, at most
  adapters: u32, // of `step`, in u32
  slotTexels: u32, // of a slot
}
var<immediate> p: Params;

@group(0) @binding(2) var<storage, read> h: array<vec4<f32>>; // [T, parts, groups, 8 / 4]
@group(0) @binding(3) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [T, N]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let token = id.y;
  let slot = step[p.adapters + token];
  if (slot == NO_ADAPTER || id.x >= rowsInAll()) { return; }
  var i = 0u;
  var row = id.x;
  if (row >= p.rows0) { i++; row -= p.rows0; }
  if (i == 1u && row >= p.rows1) { i++; row -= p.rows1; }
  let part = loraPart(weights[slot * p.slotTexels + i]);
  if (part.groups == 0u) { return; }
  let ranks = (token * p.parts + i) * p.groups * 2u;
  let at = part.b + row / 8u * part.groups * 8u + row % 8u;
  var sum = 0.0;
  for (var group = 0u; group < part.groups; group++) {
    let w = weightChunk(at + group * 8u);
    sum += dot(w.a, h[ranks + group * 2u]) + dot(w.b, h[ranks + group * 2u + 1u]);
  }
  y[token * rowsInAll() + id.x] += sum;
}
