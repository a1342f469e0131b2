// The two parts of each query head side by side, the second rotated. An invocation owns two dimensions of a head.
// include: ../rotary-embedding/rotate.wgsl

struct Params { tokens: u32, heads: u32, rank: u32, ropeDim: u32, rotaryDim: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> latent: array<f32>; // [T, Hq, rank]
@group(0) @binding(1) var<storage, read> rope: array<f32>; // [T, Hq, ropeDim]
@group(0) @binding(2) var<storage, read> table: array<f32>; // [maxLength or T, rotaryDim]: cosines, then sines
@group(0) @binding(3) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(4) var<storage, read_write> queries: array<f32>; // [T, Hq, rank + ropeDim]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let token = id.y;
  let kept = (p.rank + 1u) / 2u; // pairs of the first part; its last dimension may be alone
  let pairs = kept + p.ropeDim / 2u;
  let head = id.x / pairs;
  if (head >= p.heads) { return; }
  let own = token * p.heads + head;
  let to = own * (p.rank + p.ropeDim);
  let i = id.x % pairs;
  if (i < kept) {
    queries[to + 2u * i] = latent[own * p.rank + 2u * i];
    if (2u * i + 1u < p.rank) { queries[to + 2u * i + 1u] = latent[own * p.rank + 2u * i + 1u]; }
    return;
  }
  let pair = i - kept;
  let half = p.rotaryDim / 2u;
  let at = pairAt(pair, half);
  let begin = own * p.ropeDim;
  var v = vec2<f32>(rope[begin + at.x], rope[begin + at.y]);
  if (pair < half) {
    let row = tableRow(token, step[p.tokens + token]) * p.rotaryDim;
    v = rotated(v, table[row + pair], table[row + half + pair]);
  }
  queries[to + p.rank + at.x] = v.x;
  queries[to + p.rank + at.y] = v.y;
}
