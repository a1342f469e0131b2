// activation(gate) · up with a q8 result, for lavapipe. A workgroup of 8 lanes owns BLOCKS blocks of 64 features of one token.
// include: ../quantize/q8-block.lavapipe.wgsl
// include: ../quantize/store-texel.lavapipe.wgsl
// include: ../row-grid.wgsl
// include: gated.wgsl

struct Params { intermediate: u32, tokens: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> gateUp: array<vec4<f32>>; // [T, 2·I / 4]
@group(0) @binding(1) var y: texture_storage_2d<rgba32uint, write>; // [T, blocks of 64, 8 lanes]

override BLOCKS: u32 = 8;

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let token = gridRow(wg.y, wg.z);
  if (token >= p.tokens) { return; }
  let quads = p.intermediate / 4u;
  let gate = token * 2u * quads;
  let up = gate + quads;
  let blocks = (quads + 15u) / 16u;
  for (var block = wg.x * BLOCKS; block < min((wg.x + 1u) * BLOCKS, blocks); block++) {
    let i = block * 16u + lane;
    var a = vec4<f32>(0.0);
    var b = vec4<f32>(0.0);
    if (i < quads) { a = gated(gateUp[gate + i], gateUp[up + i]); }
    if (i + 8u < quads) { b = gated(gateUp[gate + i + 8u], gateUp[up + i + 8u]); }
    storeTexel((token * blocks + block) * 8u + lane, q8Block(a, b, lane));
  }
}
