// RMSNorm of query and key heads on any GPU: a workgroup owns one head of one token. Heads of a token: Hq queries, then
// Hkv keys, then Hkv values, which are copied.

struct Params { heads: u32, kvHeads: u32, headDim: u32, eps: f32 } // heads: all of a token
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> qkv: array<f32>; // [T, heads·D]
@group(0) @binding(1) var<storage, read> query: array<f32>; // [D]
@group(0) @binding(2) var<storage, read> key: array<f32>; // [D]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [T, heads·D]

const SIZE = 64u;
var<workgroup> partial: array<f32, SIZE>;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let start = (wg.y * p.heads + wg.x) * p.headDim;
  var sum = 0.0;
  for (var i = thread; i < p.headDim; i += SIZE) { sum += qkv[start + i] * qkv[start + i]; }
  partial[thread] = sum;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partial[thread] += partial[thread + half]; }
  }
  workgroupBarrier();
  let scale = 1.0 / sqrt(partial[0] / f32(p.headDim) + p.eps);
  for (var i = thread; i < p.headDim; i += SIZE) {
    if (wg.x >= p.heads - p.kvHeads) {
      y[start + i] = qkv[start + i];
    } else {
      y[start + i] = qkv[start + i] * scale * select(key[i], query[i], wg.x < p.heads - 2u * p.kvHeads);
    }
  }
}
