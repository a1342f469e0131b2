// Norms of query and key heads, their rotation, and the store of keys and values into their slots: what head-norm.wgsl and
// rotary-store-kv.wgsl do one after the other, out of the same functions. A workgroup owns one head of one token: Hq queries,
// then Hkv keys, then Hkv values, which are stored as they are.
// include: ../head-norm/head-normed.wgsl
// include: ../group.wgsl
// include: ../head-norm/run-norm.wgsl
// include: rotate.wgsl
// include: ../kv-cache/cache.f32.wgsl
// include: ../kv-cache/store-slot.wgsl

struct Params {
  tokens: u32, heads: u32, kvHeads: u32, rotaryDim: u32, maxLength: u32,
  eps: f32, queryWeights: u32, keyWeights: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> qkv: array<f32>; // [T, (Hq + 2·Hkv)·D]
@group(0) @binding(1) var<storage, read> queryNorm: array<f32>; // [queryWeights]: D or Hq·D
@group(0) @binding(2) var<storage, read> keyNorm: array<f32>; // [keyWeights]: D or Hkv·D
@group(0) @binding(3) var<storage, read> table: array<f32>; // [maxLength or T, rotaryDim]: cosines, then sines
@group(0) @binding(4) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(5) var<storage, read_write> slotTable: array<u32>; // [maxRequests, maxLength]
@group(0) @binding(6) var<storage, read_write> keys: array<Stored>; // [slots, Hkv, D]
@group(0) @binding(7) var<storage, read_write> values: array<Stored>; // [slots, Hkv, D]
@group(0) @binding(8) var<storage, read_write> queries: array<f32>; // [T, Hq·D]

var<workgroup> head: array<f32, HEAD_DIM>;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let token = wg.y;
  let first = (token * (p.heads + 2u * p.kvHeads) + wg.x) * HEAD_DIM;
  let isQuery = wg.x < p.heads;
  let isKey = !isQuery && wg.x < p.heads + p.kvHeads;
  if (wg.x == 0u && thread == 0u) { storeSlot(token); }
  if (isQuery || isKey) {
    let norm = runNorm(thread, first, HEAD_DIM);
    for (var i = thread; i < HEAD_DIM; i += SIZE) {
      let at = select((wg.x - p.heads) * HEAD_DIM + i, wg.x * HEAD_DIM + i, isQuery);
      head[i] = headNormed(qkv[first + i] - norm.mean, norm.scale, at % select(p.keyWeights, p.queryWeights, isQuery), isQuery);
    }
    workgroupBarrier();
    let half = p.rotaryDim / 2u;
    let row = tableRow(token, step[p.tokens + token]) * p.rotaryDim;
    for (var pair = thread; pair < HEAD_DIM / 2u; pair += SIZE) {
      let at = pairAt(pair, half);
      var v = vec2<f32>(head[at.x], head[at.y]);
      if (pair < half) { v = rotated(v, table[row + pair], table[row + half + pair]); }
      head[at.x] = v.x;
      head[at.y] = v.y;
    }
  } else {
    for (var i = thread; i < HEAD_DIM; i += SIZE) { head[i] = qkv[first + i]; }
  }
  workgroupBarrier();

  if (isQuery) {
    for (var i = thread; i < HEAD_DIM; i += SIZE) { queries[(token * p.heads + wg.x) * HEAD_DIM + i] = head[i]; }
    return;
  }
  let part = select(VALUES, KEYS, isKey);
  let kvHead = (wg.x - p.heads) % p.kvHeads;
  let slotHead = headAt(part, step[3u * p.tokens + token] * p.kvHeads + kvHead);
  for (var unit = thread; unit < UNITS; unit += SIZE) {
    var v: array<vec4<f32>, UNIT_QUADS>;
    for (var q = 0u; q < UNIT_QUADS; q++) {
      let d = (unit * UNIT_QUADS + q) * 4u;
      v[q] = vec4<f32>(head[d], head[d + 1u], head[d + 2u], head[d + 3u]);
    }
    let words = storedUnit(part, v);
    for (var w = 0u; w < unitSize(part); w++) {
      let to = slotHead + unit * unitSize(part) + w;
      if (isKey) { keys[to] = words[w]; } else { values[to] = words[w]; }
    }
  }
}
