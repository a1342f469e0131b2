// RMSNorm of query and key heads where one subgroup of 8 lanes is the whole workgroup (lavapipe). A workgroup owns one
// token, head after head: Hq queries, then Hkv keys, then Hkv values, which are copied.
enable subgroups;

struct Params { heads: u32, kvHeads: u32, headDim: u32, eps: f32 } // heads: all of a token
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> qkv: array<f32>; // [T, heads·D]
@group(0) @binding(1) var<storage, read> query: array<f32>; // [D]
@group(0) @binding(2) var<storage, read> key: array<f32>; // [D]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [T, heads·D]

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let values = p.heads - p.kvHeads;
  for (var head = 0u; head < values; head++) {
    let start = (wg.x * p.heads + head) * p.headDim;
    var sum = 0.0;
    for (var i = lane; i < p.headDim; i += 8u) { sum += qkv[start + i] * qkv[start + i]; }
    let scale = 1.0 / sqrt(subgroupAdd(sum) / f32(p.headDim) + p.eps);
    let isQuery = head < values - p.kvHeads;
    for (var i = lane; i < p.headDim; i += 8u) {
      y[start + i] = qkv[start + i] * scale * select(key[i], query[i], isQuery);
    }
  }
  let end = (wg.x + 1u) * p.heads * p.headDim;
  for (var i = end - p.kvHeads * p.headDim + lane; i < end; i += 8u) { y[i] = qkv[i]; }
}
