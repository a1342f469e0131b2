// RMSNorm with a q8 result, for lavapipe. A workgroup of 8 lanes owns one token and takes it 64 features at a time.
// include: rms.wgsl
// include: ../quantize/q8-block.lavapipe.wgsl
// include: ../quantize/store-texel.lavapipe.wgsl

struct Params { features: u32, eps: f32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>; // [T, H / 4]
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>; // [H / 4]
@group(0) @binding(2) var y: texture_storage_2d<rgba32uint, write>; // [T, blocks of 64, 8 lanes]

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let quads = p.features / 4u;
  let row = wg.x * quads;
  var squares = vec4<f32>(0.0);
  for (var i = lane; i < quads; i += 8u) {
    let v = x[row + i];
    squares += v * v;
  }
  let scale = rmsScale(subgroupAdd(squares.x + squares.y + squares.z + squares.w), p.features, p.eps);
  let blocks = (quads + 15u) / 16u;
  for (var block = 0u; block < blocks; block++) {
    let i = block * 16u + lane;
    var a = vec4<f32>(0.0);
    var b = vec4<f32>(0.0);
    if (i < quads) { a = rmsNormed(x[row + i], scale, weight[i]); }
    if (i + 8u < quads) { b = rmsNormed(x[row + i + 8u], scale, weight[i + 8u]); }
    storeTexel((wg.x * blocks + block) * 8u + lane, q8Block(a, b, lane));
  }
}
