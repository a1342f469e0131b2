// Rotates query and key heads, stores keys and values at the tokens' slots, fills the slot table.
// One workgroup owns one token and ITEMS element pairs of its HQ + 2·HKV heads.
alias Element = f32;

override HQ: u32;
override HKV: u32;
override D: u32;
override ROTARY: u32; // rotated dimensions of a head, from its front
override INTERLEAVED: bool; // pairs (2i, 2i+1) instead of (i, i + ROTARY/2)
override MAX_LENGTH: u32;
override WORKGROUP: u32;
override ITEMS: u32;

struct Params { tokens: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> qkv: array<f32>; // [T, (HQ + 2·HKV)·D]
@group(0) @binding(1) var<storage, read> step: array<u32>; // positions at T, rows at 2T, slots at 3T
@group(0) @binding(2) var<storage, read> cosSin: array<f32>; // [maxLength, ROTARY]: cos, then sin
@group(0) @binding(3) var<storage, read_write> q: array<f32>; // [T, HQ·D]
@group(0) @binding(4) var<storage, read_write> keys: array<Element>; // [slots, HKV, D]
@group(0) @binding(5) var<storage, read_write> values: array<Element>; // [slots, HKV, D]
@group(0) @binding(6) var<storage, read_write> slotTable: array<u32>; // [maxRequests, MAX_LENGTH]

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let t = group.x;
  let position = step[p.tokens + t];
  let slot = step[3u * p.tokens + t];
  if (group.y == 0u && local == 0u) {
    slotTable[step[2u * p.tokens + t] * MAX_LENGTH + position] = slot;
  }
  let heads = HQ + 2u * HKV;
  let end = min((group.y + 1u) * ITEMS, heads * (D / 2u));
  for (var item = group.y * ITEMS + local; item < end; item += WORKGROUP) {
    let head = item / (D / 2u);
    let i = item % (D / 2u);
    let rotates = i < ROTARY / 2u && head < HQ + HKV;
    // The two dimensions of this item: a rotated pair, or two neighbours that pass through.
    var first = 2u * i;
    var second = first + 1u;
    if (i < ROTARY / 2u && !INTERLEAVED) {
      first = i;
      second = i + ROTARY / 2u;
    }
    let base = (t * heads + head) * D;
    var a = qkv[base + first];
    var b = qkv[base + second];
    if (rotates) {
      let c = cosSin[position * ROTARY + i];
      let s = cosSin[position * ROTARY + ROTARY / 2u + i];
      let rotated = a * c - b * s;
      b = b * c + a * s;
      a = rotated;
    }
    if (head < HQ) {
      let at = (t * HQ + head) * D;
      q[at + first] = a;
      q[at + second] = b;
    } else if (head < HQ + HKV) {
      let at = (slot * HKV + head - HQ) * D;
      keys[at + first] = Element(a);
      keys[at + second] = Element(b);
    } else {
      let at = (slot * HKV + head - HQ - HKV) * D;
      values[at + first] = Element(a);
      values[at + second] = Element(b);
    }
  }
}
