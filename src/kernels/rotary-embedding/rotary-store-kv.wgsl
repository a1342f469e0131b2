// Rotary embedding of queries and keys, and the store of keys and values into their slots, one invocation a pair of
// dimensions. Heads of a token: Hq queries, then Hkv keys, then Hkv values.
alias Element = f32;

struct Params { tokens: u32, heads: u32, kvHeads: u32, headDim: u32, rotaryDim: u32, maxLength: u32 }
var<immediate> p: Params;

override BY_TOKEN: u32; // 1: the table has a row for each token, 0: for each position
override INTERLEAVED: u32; // 1: pairs (2i, 2i + 1), 0: pairs (i, i + rotaryDim / 2)

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
  let position = step[p.tokens + token];
  let slot = step[3u * p.tokens + token];
  if (id.x == 0u) { slotTable[step[2u * p.tokens + token] * p.maxLength + position] = slot; }

  let pair = id.x % pairs;
  let half = p.rotaryDim / 2u;
  let rotates = head < p.heads + p.kvHeads && pair < half;
  var first = 2u * pair;
  var second = 2u * pair + 1u;
  if (INTERLEAVED == 0u && pair < half) {
    first = pair;
    second = pair + half;
  }
  let start = (token * (p.heads + 2u * p.kvHeads) + head) * p.headDim;
  var a = qkv[start + first];
  var b = qkv[start + second];
  if (rotates) {
    let row = select(position, token, BY_TOKEN == 1u) * p.rotaryDim;
    let c = table[row + pair];
    let s = table[row + half + pair];
    let turned = a * c - b * s;
    b = b * c + a * s;
    a = turned;
  }

  if (head < p.heads) {
    let to = (token * p.heads + head) * p.headDim;
    queries[to + first] = a;
    queries[to + second] = b;
  } else if (head < p.heads + p.kvHeads) {
    let to = (slot * p.kvHeads + head - p.heads) * p.headDim;
    keys[to + first] = Element(a);
    keys[to + second] = Element(b);
  } else {
    let to = (slot * p.kvHeads + head - p.heads - p.kvHeads) * p.headDim;
    values[to + first] = Element(a);
    values[to + second] = Element(b);
  }
}
