// Rotary embedding of queries and keys, and the store of keys and values into their slots, one invocation a pair of
// dimensions. Heads of a token: Hq queries, then Hkv keys, then Hkv values.
// include: rotate.wgsl
// include: ../kv-cache/stored.wgsl
// include: ../kv-cache/store-slot.wgsl

struct Params { tokens: u32, heads: u32, kvHeads: u32, headDim: u32, rotaryDim: u32, maxLength: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> qkv: array<f32>; // [T, (Hq + 2·Hkv)·D]
@group(0) @binding(1) var<storage, read> table: array<f32>; // [maxLength or T, rotaryDim]: cosines, then sines
@group(0) @binding(2) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(3) var<storage, read_write> slotTable: array<u32>; // [maxRequests, maxLength]
@group(0) @binding(4) var<storage, read_write> keys: array<Element>; // [slots, Hkv, D]
@group(0) @binding(5) var<storage, read_write> values: array<Element>; // [slots, Hkv, D]
@group(0) @binding(6) var<storage, read_write> queries: array<f32>; // [T, Hq·D]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let token = id.y;
  let pairs = p.headDim / 2u;
  let head = id.x / pairs;
  if (head >= p.heads + 2u * p.kvHeads) { return; }
  if (id.x == 0u) { storeSlot(token); }

  let pair = id.x % pairs;
  let half = p.rotaryDim / 2u;
  let at = pairAt(pair, half);
  let start = (token * (p.heads + 2u * p.kvHeads) + head) * p.headDim;
  var v = vec2<f32>(qkv[start + at.x], qkv[start + at.y]);
  if (head < p.heads + p.kvHeads && pair < half) {
    let row = tableRow(token, step[p.tokens + token]) * p.rotaryDim;
    v = rotated(v, table[row + pair], table[row + half + pair]);
  }

  if (head < p.heads) {
    let to = (token * p.heads + head) * p.headDim;
    queries[to + at.x] = v.x;
    queries[to + at.y] = v.y;
    return;
  }
  let kept = stored(vec4<f32>(v, 0.0, 0.0));
  let kvHead = (head - p.heads) % p.kvHeads;
  let to = (step[3u * p.tokens + token] * p.kvHeads + kvHead) * p.headDim;
  if (head < p.heads + p.kvHeads) {
    keys[to + at.x] = kept.x;
    keys[to + at.y] = kept.y;
  } else {
    values[to + at.x] = kept.x;
    values[to + at.y] = kept.y;
  }
}
