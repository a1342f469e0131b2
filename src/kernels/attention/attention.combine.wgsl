// Joins the segments of a context that several workgroups of attention.flash.wgsl had, as one of those does that has them all.
// A workgroup owns one head of one token. Of SIZE segments at a time the factors come first, all at once.
// include: segments.wgsl

// A list's entries: listStride words, the first a token; of two words the second is how many tokens there are, up to `each`.
struct Params { tokens: u32, heads: u32, valueDim: u32, parts: u32, window: u32, list: u32, listStride: u32, each: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> parts: array<f32>; // [tokens of the list, Hq, parts, Dv + 2]
@group(0) @binding(1) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [T, Hq, Dv]

const SIZE = 64u;
const OWNED = 8u; // Dv / SIZE at most
var<workgroup> tops: array<f32, SIZE>;
var<workgroup> totals: array<f32, SIZE>;
var<workgroup> joins: array<Join, SIZE>;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let entry = p.list + wg.y / p.each * p.listStride;
  let skipped = wg.y % p.each;
  if (p.listStride == 2u && skipped >= step[entry + 1u]) { return; }
  let token = step[entry] + skipped;
  let position = step[p.tokens + token];
  let count = position / SEGMENT + 1u - firstSeen(position, p.window) / SEGMENT;
  let stride = p.valueDim + 2u;
  let first = (wg.y * p.heads + wg.x) * p.parts * stride;
  var sums: array<f32, OWNED>;
  var top = MASKED;
  var total = 0.0;
  for (var segment0 = 0u; segment0 < count; segment0 += SIZE) {
    workgroupBarrier();
    tops[thread] = MASKED;
    if (segment0 + thread < count) {
      let at = first + (segment0 + thread) * stride + p.valueDim;
      tops[thread] = parts[at];
      totals[thread] = parts[at + 1u];
    }
    workgroupBarrier();
    var before = top;
    for (var j = 0u; j < thread; j++) { before = max(before, tops[j]); }
    joins[thread] = joinOf(before, tops[thread]);
    workgroupBarrier();
    for (var j = 0u; j < min(SIZE, count - segment0); j++) {
      let join = joins[j];
      total = joined(total, totals[j], join);
      for (var o = 0u; o < OWNED; o++) {
        let d = o * SIZE + thread;
        if (d < p.valueDim) { sums[o] = joined(sums[o], parts[first + (segment0 + j) * stride + d], join); }
      }
    }
    top = joins[SIZE - 1u].top;
  }
  for (var o = 0u; o < OWNED; o++) {
    let d = o * SIZE + thread;
    if (d < p.valueDim) { y[(token * p.heads + wg.x) * p.valueDim + d] = sums[o] / total; }
  }
}
