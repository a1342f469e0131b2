// Rotary embedding of queries and keys, values copied. Heads of a token: Hq queries, then Hkv keys, then Hkv values. An
// invocation owns two dimensions of a head.
// include: turned-pair.wgsl

const HEAD_DIM = 64u; // D

struct Params { tokens: u32, heads: u32, kvHeads: u32, rotaryDim: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> qkv: array<f32>; // [T, (Hq + 2·Hkv)·D]
@group(0) @binding(1) var<storage, read> table: array<f32>; // [maxLength or T, rotaryDim]: cosines, then sines
@group(0) @binding(2) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [T, (Hq + 2·Hkv)·D]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let pairs = HEAD_DIM / 2u;
  let head = id.x / pairs;
  if (head >= p.heads + 2u * p.kvHeads) { return; }
  let pair = id.x % pairs;
  let at = headStart(id.y, head) + pairAt(pair, p.rotaryDim / 2u);
  var v = vec2<f32>(qkv[at.x], qkv[at.y]);
  if (head < p.heads + p.kvHeads) { v = turnedPair(id.y, head, pair); }
  y[at.x] = v.x;
  y[at.y] = v.y;
}
