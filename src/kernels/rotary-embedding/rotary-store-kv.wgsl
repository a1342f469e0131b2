// Rotary embedding of queries and keys, and the store of keys and values into their slots. Heads of a token: Hq queries, then
// Hkv keys, then Hkv values. An invocation owns a pair of a query's dimensions, or a unit of a key or value (kv-cache/).
// include: turned-pair.wgsl
// include: ../kv-cache/cache.f32.wgsl
// include: ../kv-cache/store-slot.wgsl

struct Params { tokens: u32, heads: u32, kvHeads: u32, rotaryDim: u32, maxLength: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> qkv: array<f32>; // [T, (Hq + 2·Hkv)·D]
@group(0) @binding(1) var<storage, read> table: array<f32>; // [maxLength or T, rotaryDim]: cosines, then sines
@group(0) @binding(2) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(3) var<storage, read_write> slotTable: array<u32>; // [maxRequests, maxLength]
@group(0) @binding(4) var<storage, read_write> keys: array<Stored>; // [slots, Hkv, D]
@group(0) @binding(5) var<storage, read_write> values: array<Stored>; // [slots, Hkv, D]
@group(0) @binding(6) var<storage, read_write> queries: array<f32>; // [T, Hq·D]

fn turned(token: u32, head: u32, dimension: u32) -> f32 {
  let half = p.rotaryDim / 2u;
  let pair = pairOf(dimension, half);
  let v = turnedPair(token, head, pair);
  return select(v.y, v.x, pairAt(pair, half).x == dimension);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let token = id.y;
  if (id.x == 0u) { storeSlot(token); }
  let pairs = HEAD_DIM / 2u;
  if (id.x < p.heads * pairs) {
    let head = id.x / pairs;
    let pair = id.x % pairs;
    let v = turnedPair(token, head, pair);
    let to = (token * p.heads + head) * HEAD_DIM + pairAt(pair, p.rotaryDim / 2u);
    queries[to.x] = v.x;
    queries[to.y] = v.y;
    return;
  }

  let item = id.x - p.heads * pairs;
  let kept = item / UNITS; // of the keys, then of the values
  if (kept >= 2u * p.kvHeads) { return; }
  let isKey = kept < p.kvHeads;
  let unit = item % UNITS;
  var v: array<vec4<f32>, UNIT_QUADS>;
  for (var q = 0u; q < UNIT_QUADS; q++) {
    let d = (unit * UNIT_QUADS + q) * 4u;
    let head = p.heads + kept;
    if (isKey) {
      v[q] = vec4<f32>(turned(token, head, d), turned(token, head, d + 1u), turned(token, head, d + 2u), turned(token, head, d + 3u));
    } else {
      let at = headStart(token, head) + d;
      v[q] = vec4<f32>(qkv[at], qkv[at + 1u], qkv[at + 2u], qkv[at + 3u]);
    }
  }
  let part = select(VALUES, KEYS, isKey);
  let words = storedUnit(part, v);
  let to = headAt(part, step[3u * p.tokens + token] * p.kvHeads + kept % p.kvHeads) + unit * unitSize(part);
  for (var w = 0u; w < unitSize(part); w++) {
    if (isKey) { keys[to + w] = words[w]; } else { values[to + w] = words[w]; }
  }
}
