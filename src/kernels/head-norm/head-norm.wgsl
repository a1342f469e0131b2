// Norms of query and key heads on any GPU: a workgroup owns a run of one token that is normalized together, a head or all
// of a kind. Heads of a token: Hq queries, then Hkv keys, then Hkv values, which are copied.
// include: head-normed.wgsl
// include: ../group.wgsl
// include: run-norm.wgsl

struct Params { heads: u32, kvHeads: u32, headDim: u32, eps: f32, queryWeights: u32, keyWeights: u32 } // heads: all of a token
var<immediate> p: Params;

override TOGETHER: u32; // 1: all query heads and all key heads, 0: each head

@group(0) @binding(0) var<storage, read> qkv: array<f32>; // [T, heads·D]
@group(0) @binding(1) var<storage, read> queryNorm: array<f32>; // [queryWeights]: D or Hq·D
@group(0) @binding(2) var<storage, read> keyNorm: array<f32>; // [keyWeights]: D or Hkv·D
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [T, heads·D]

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let keys = (p.heads - 2u * p.kvHeads) * p.headDim; // where they begin
  let kept = p.kvHeads * p.headDim;
  var start = wg.x * p.headDim;
  var length = p.headDim;
  if (TOGETHER == 1u) {
    start = select(keys + (wg.x - 1u) * kept, 0u, wg.x == 0u);
    length = select(kept, keys, wg.x == 0u);
  }
  let first = wg.y * p.heads * p.headDim + start;
  let norm = runNorm(thread, first, length);
  for (var i = thread; i < length; i += SIZE) {
    let v = qkv[first + i];
    if (start < keys) {
      y[first + i] = headNormed(v - norm.mean, norm.scale, (start + i) % p.queryWeights, true);
    } else if (start < keys + kept) {
      y[first + i] = headNormed(v - norm.mean, norm.scale, (start - keys + i) % p.keyWeights, false);
    } else {
      y[first + i] = v;
    }
  }
}
