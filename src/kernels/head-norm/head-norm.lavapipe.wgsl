// Norms of query and key heads where one subgroup of 8 lanes is the whole workgroup (lavapipe). A workgroup owns one token,
// run after run of what is normalized together: Hq queries, then Hkv keys, then Hkv values, which are copied.
// include: head-normed.wgsl
enable subgroups;

struct Params { heads: u32, kvHeads: u32, headDim: u32, eps: f32, queryWeights: u32, keyWeights: u32 } // heads: all of a token
var<immediate> p: Params;

override LAYER: u32; // 1: LayerNorm without bias, 0: RMSNorm
override TOGETHER: u32; // 1: all query heads and all key heads, 0: each head

@group(0) @binding(0) var<storage, read> qkv: array<f32>; // [T, heads·D]
@group(0) @binding(1) var<storage, read> queryNorm: array<f32>; // [queryWeights]: D or Hq·D
@group(0) @binding(2) var<storage, read> keyNorm: array<f32>; // [keyWeights]: D or Hkv·D
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [T, heads·D]

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let token = wg.x * p.heads * p.headDim;
  let keys = (p.heads - 2u * p.kvHeads) * p.headDim; // where they begin
  let values = keys + p.kvHeads * p.headDim;
  var length = p.headDim;
  for (var start = 0u; start < values; start += length) {
    let isQuery = start < keys;
    if (TOGETHER == 1u) { length = select(values - keys, keys, isQuery); }
    let first = token + start;
    var mean = 0.0;
    if (LAYER == 1u) {
      var sum = 0.0;
      for (var i = lane; i < length; i += 8u) { sum += qkv[first + i]; }
      mean = subgroupAdd(sum) / f32(length);
    }
    var squares = 0.0;
    for (var i = lane; i < length; i += 8u) {
      let v = qkv[first + i] - mean;
      squares += v * v;
    }
    let scale = rmsScale(subgroupAdd(squares), length, p.eps);
    for (var i = lane; i < length; i += 8u) {
      let at = select((start - keys + i) % p.keyWeights, (start + i) % p.queryWeights, isQuery);
      y[first + i] = headNormed(qkv[first + i] - mean, scale, at, isQuery);
    }
  }
  for (var i = values + lane; i < p.heads * p.headDim; i += 8u) { y[token + i] = qkv[token + i]; }
}
