// f32 → q8 or q12 for lavapipe. A workgroup of 8 lanes owns one token.
// include: ../row-grid.wgsl
// include: q12-block.lavapipe.wgsl
// include: store-texel.lavapipe.wgsl

struct Params { features: u32, tokens: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>; // [T, H / 4]
@group(0) @binding(1) var y: texture_storage_2d<rgba32uint, write>; // [T, blocks of 64, 8 lanes]

override BITS: u32 = 8; // of a code

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let token = gridRow(wg.x, wg.z);
  if (token >= p.tokens) { return; }
  let quads = p.features / 4u;
  let row = token * quads;
  let blocks = (quads + 15u) / 16u;
  for (var block = 0u; block < blocks; block++) {
    let i = block * 16u + lane;
    var a = vec4<f32>(0.0);
    var b = vec4<f32>(0.0);
    if (i < quads) { a = x[row + i]; }
    if (i + 8u < quads) { b = x[row + i + 8u]; }
    if (BITS == 12u) {
      storeTexel((token * blocks + block) * 8u + lane, q12Block(a, b, lane));
    } else {
      storeTexel((token * blocks + block) * 8u + lane, q8Block(a, b, lane));
    }
  }
}
