// Puts a token's latent into its slot: RMSNorm of the first columns of kv, rotation of the rest. A workgroup owns one token, a
// thread of it units of the row (kv-cache/). HEAD_DIM is rank + ropeDim.
// Behind ../group.wgsl, or ../group.lavapipe.wgsl.
// include: ../rms-norm/rms.wgsl
// include: ../rotary-embedding/rotate.wgsl
// include: ../kv-cache/cache.f32.wgsl
// include: ../kv-cache/store-slot.wgsl

struct Params { tokens: u32, rank: u32, rotaryDim: u32, maxLength: u32, eps: f32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> kv: array<f32>; // [T, rank + ropeDim]
@group(0) @binding(1) var<storage, read> weight: array<f32>; // [rank]
@group(0) @binding(2) var<storage, read> table: array<f32>; // [maxLength or T, rotaryDim]: cosines, then sines
@group(0) @binding(3) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(4) var<storage, read_write> slotTable: array<u32>; // [maxRequests, maxLength]
@group(0) @binding(5) var<storage, read_write> latents: array<Stored>; // [slots, rank + ropeDim]

// A dimension of a token's row as it is kept.
fn kept(token: u32, d: u32, scale: f32) -> f32 {
  let begin = token * HEAD_DIM;
  if (d < p.rank) { return rmsNormed(vec4<f32>(kv[begin + d]), scale, vec4<f32>(weight[d])).x; }
  let half = p.rotaryDim / 2u;
  let pair = pairOf(d - p.rank, half);
  let at = pairAt(pair, half);
  var v = vec2<f32>(kv[begin + p.rank + at.x], kv[begin + p.rank + at.y]);
  if (pair < half) {
    let row = tableRow(token, step[p.tokens + token]) * p.rotaryDim;
    v = rotated(v, table[row + pair], table[row + half + pair]);
  }
  return select(v.y, v.x, at.x == d - p.rank);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let token = wg.x;
  if (thread == 0u) { storeSlot(token); }
  var sum = 0.0;
  for (var i = thread; i < p.rank; i += SIZE) {
    let v = kv[token * HEAD_DIM + i];
    sum += v * v;
  }
  let scale = rmsScale(groupAdd(thread, sum), p.rank, p.eps);
  let to = headAt(KEYS, step[3u * p.tokens + token]);
  for (var unit = thread; unit < UNITS; unit += SIZE) {
    var v: array<vec4<f32>, UNIT_QUADS>;
    for (var q = 0u; q < UNIT_QUADS; q++) {
      let d = (unit * UNIT_QUADS + q) * 4u;
      v[q] = vec4<f32>(kept(token, d, scale), kept(token, d + 1u, scale), kept(token, d + 2u, scale), kept(token, d + 3u, scale));
    }
    let words = storedUnit(KEYS, v);
    for (var w = 0u; w < UNIT_SIZE; w++) { latents[to + unit * UNIT_SIZE + w] = words[w]; }
  }
}
