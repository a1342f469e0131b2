// The query rows that a workgroup owns, and what their scores are: consecutive tokens of one request × heads that share a key-value
// head, of attention.flash.wgsl and of attention.matrix.wgsl. Behind the files of the cache and of the sinks, and segments.wgsl.
struct Params {
  tokens: u32, list: u32, listStride: u32, subTiles: u32, tileTokens: u32,
  heads: u32, kvHeads: u32, headRows: u32, headBlocks: u32,
  maxLength: u32, splits: u32, parts: u32, window: u32, scale: f32, softcap: f32, alibi: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> q: array<vec4<f32>>; // [T, Hq, D / 4]
@group(0) @binding(1) var<storage, read> keys: array<Stored>; // [slots, Hkv, D]
@group(0) @binding(2) var<storage, read> values: array<Stored>; // [slots, Hkv, D], or the keys
@group(0) @binding(3) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(4) var<storage, read> slotTable: array<u32>; // [maxRequests, maxLength]
// Whole contexts: [T, Hq, Dv]. Split: [tokens of the list, Hq, parts, Dv + 2], of each segment the sums, the largest score and the
// weight.
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

// A query row: consecutive heads, then tokens. Those beyond what there is repeat the last and are not stored.
struct Row { token: u32, head: u32, position: u32, exists: u32, slope: f32 }

// What the workgroup owns.
struct Work { firstToken: u32, tokens: u32, kvHead: u32, firstHead: u32, heads: u32 }

fn rowOf(r: u32, work: Work) -> Row {
  let t = r / p.headRows;
  let h = r % p.headRows;
  let token = work.firstToken + min(t, work.tokens - 1u);
  let head = work.firstHead + min(h, work.heads - 1u);
  return Row(token, head, step[p.tokens + token], u32(t < work.tokens && h < work.heads), p.alibi * slope(head));
}

// alibi.ts
fn slope(head: u32) -> f32 {
  let n = 1u << firstLeadingBit(p.heads);
  let exponent = select(4u * (2u * (head - n) + 1u), 8u * (head + 1u), head < n);
  return exp2(-f32(exponent) / f32(n));
}

fn score(dot: f32, slope: f32, behind: u32) -> f32 {
  let s = fma(-slope, f32(behind), dot * p.scale);
  if (p.softcap == 0.0) { return s; }
  return p.softcap * tanh(clamp(s / p.softcap, -15.0, 15.0));
}

// Of a row and a key at `position`.
fn maskedScore(dot: f32, row: Row, position: u32) -> f32 {
  let seen = position <= row.position && position >= firstSeen(row.position, p.window);
  return select(MASKED, score(dot, row.slope, row.position - position), seen);
}

// Part wg.x % subTiles of list entry wg.x / subTiles, and head block wg.y; no tokens: nothing is left for it.
fn workOf(wg: vec3<u32>) -> Work {
  let entry = p.list + (wg.x / p.subTiles) * p.listStride;
  let skipped = (wg.x % p.subTiles) * p.tileTokens;
  var listed = 1u;
  if (p.listStride == 2u) { listed = step[entry + 1u]; }
  if (skipped >= listed) { return Work(); }
  let kvHead = wg.y / p.headBlocks;
  let group = p.heads / p.kvHeads;
  let skippedHeads = (wg.y % p.headBlocks) * p.headRows;
  let tokens = min(p.tileTokens, listed - skipped);
  return Work(step[entry] + skipped, tokens, kvHead, kvHead * group + skippedHeads, min(p.headRows, group - skippedHeads));
}
