// Causal attention over token slots on any GPU, online softmax over blocks of 128 positions.
//
// A workgroup owns up to ROWS query rows (consecutive tokens of one request × heads that share a key-value head) and one
// part of their context. Scores: invocation j walks the key of position j, for all rows. Values: invocation (quad, lane)
// walks every LANES-th position of the block for 4 dimensions, for all rows. So each key and value is loaded once a
// workgroup and used ROWS times out of registers. Loops over rows have constant bounds and are unrolled; loops over
// dimensions are bounded by p.quads (= QUADS), which only keeps the compiled code short. Latents are one key head that all
// query heads share, and their own values: the first VALUE_DIM of their HEAD_DIM dimensions.
// include: ../kv-cache/cache.f32.wgsl
// include: no-sinks.wgsl
const ROWS = 4u;
const VALUE_DIM = 64u; // Dv: of each row of D values the first

struct Params {
  tokens: u32, list: u32, listStride: u32, subTiles: u32, tileTokens: u32,
  heads: u32, kvHeads: u32, headRows: u32, headBlocks: u32,
  maxLength: u32, splits: u32, window: u32, scale: f32, softcap: f32, quads: u32, alibi: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> q: array<vec4<f32>>; // [T, Hq, D / 4]
@group(0) @binding(1) var<storage, read> keys: array<Stored>; // [slots, Hkv, D]
@group(0) @binding(2) var<storage, read> values: array<Stored>; // [slots, Hkv, D], or the keys
@group(0) @binding(3) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(4) var<storage, read> slotTable: array<u32>; // [maxRequests, maxLength]
// One split: [T, Hq, Dv]. Several: [T, Hq, splits, Dv + 2], unnormalized sums, then maximum and weight (attention.combine.wgsl).
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

const SIZE = 128u;
const QUADS = HEAD_DIM / 4u;
const VALUE_QUADS = VALUE_DIM / 4u;
const LANES = SIZE / VALUE_QUADS; // invocations that share 4 dimensions of the values
const PARTS = min(SIZE / ROWS, 16u); // invocations that share a row in the softmax
const MASKED = -1e30;

var<workgroup> queries: array<vec4<f32>, ROWS * QUADS>; // at the end: the sums [ROWS, Dv]
var<workgroup> weights: array<f32, ROWS * SIZE>; // scores, then exp(score - maximum)
var<workgroup> slots: array<u32, SIZE>;
var<workgroup> reduced: array<f32, SIZE>;
var<workgroup> maximum: array<f32, ROWS>;
var<workgroup> weight: array<f32, ROWS>;
var<workgroup> rescale: array<f32, ROWS>;

// Token and head of row r, or none.
struct Row { token: u32, head: u32, exists: bool }

var<private> firstToken: u32;
var<private> tokenCount: u32;
var<private> firstHead: u32;
var<private> headCount: u32;

fn rowOf(r: u32) -> Row {
  let t = r / p.headRows;
  let h = r % p.headRows;
  return Row(firstToken + min(t, tokenCount - 1u), firstHead + min(h, headCount - 1u), t < tokenCount && h < headCount);
}

// alibi.ts
fn slope(head: u32) -> f32 {
  let n = 1u << firstLeadingBit(p.heads);
  let exponent = select(4u * (2u * (head - n) + 1u), 8u * (head + 1u), head < n);
  return exp2(-f32(exponent) / f32(n));
}

fn score(dot: f32, head: u32, behind: u32) -> f32 {
  var s = dot * p.scale;
  if (p.alibi != 0.0) { s -= p.alibi * slope(head) * f32(behind); }
  if (p.softcap == 0.0) { return s; }
  return p.softcap * tanh(clamp(s / p.softcap, -15.0, 15.0));
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  // Which rows: part wg.x % subTiles of list entry wg.x / subTiles, and head block wg.y.
  let entry = p.list + (wg.x / p.subTiles) * p.listStride;
  let skipped = (wg.x % p.subTiles) * p.tileTokens;
  var listed = 1u;
  if (p.listStride == 2u) { listed = step[entry + 1u]; }
  if (skipped >= listed) { return; }
  let first = step[entry] + skipped;
  let count = min(p.tileTokens, listed - skipped);
  firstToken = first;
  tokenCount = count;
  let kvHead = wg.y / p.headBlocks;
  let group = p.heads / p.kvHeads;
  let headBlock = wg.y % p.headBlocks;
  firstHead = kvHead * group + headBlock * p.headRows;
  headCount = min(p.headRows, group - headBlock * p.headRows);

  // Which positions: this split's share of those that any row may see.
  let request = step[2u * p.tokens + first];
  let firstPosition = step[p.tokens + first];
  let end = step[p.tokens + first + count - 1u] + 1u;
  let begin = select(0u, firstPosition + 1u - p.window, firstPosition + 1u > p.window);
  let share = (end - begin + p.splits - 1u) / p.splits;
  let splitBegin = begin + wg.z * share;
  let splitEnd = min(end, splitBegin + share);

  for (var i = thread; i < ROWS * QUADS; i += SIZE) {
    let row = rowOf(i / QUADS);
    queries[i] = q[(row.token * p.heads + row.head) * QUADS + i % QUADS];
  }
  if (thread < ROWS) {
    // A sink joins once, whatever the number of splits: in the first.
    let sink = select(MASKED, sinkOf(rowOf(thread).head), wg.z == 0u);
    maximum[thread] = sink;
    weight[thread] = select(1.0, 0.0, sink <= MASKED);
  }
  var sums: array<vec4<f32>, ROWS>;
  let quad = thread % VALUE_QUADS;
  let lane = thread / VALUE_QUADS;

  for (var block0 = splitBegin; block0 < splitEnd; block0 += SIZE) {
    workgroupBarrier();
    scoreBlock(block0 + thread, splitEnd, request, kvHead, thread);
    workgroupBarrier();
    softmaxBlock(thread);
    if (lane < LANES) {
      for (var r = 0u; r < ROWS; r++) { sums[r] *= rescale[r]; }
      for (var j = lane; j < min(SIZE, splitEnd - block0); j += LANES) {
        let head = headAt(VALUES, slots[j] * p.kvHeads + kvHead);
        let v = loadedQuad(VALUES, &values, head, quad, unitScale(VALUES, &values, head, quad));
        for (var r = 0u; r < ROWS; r++) { sums[r] += weights[r * SIZE + j] * v; }
      }
    }
  }

  // The lanes of a quad add up, one after the other, where the queries were.
  for (var l = 0u; l < LANES * (p.quads / QUADS); l++) {
    workgroupBarrier();
    if (lane == l) {
      for (var r = 0u; r < ROWS; r++) {
        if (l == 0u) { queries[r * QUADS + quad] = sums[r]; } else { queries[r * QUADS + quad] += sums[r]; }
      }
    }
  }
  workgroupBarrier();
  for (var i = thread; i < ROWS * VALUE_DIM; i += SIZE) {
    let r = i / VALUE_DIM;
    let d = i % VALUE_DIM;
    let row = rowOf(r);
    if (row.exists) { store(row.token * p.heads + row.head, wg.z, r, d, queries[r * QUADS + d / 4u][d % 4u]); }
  }
}

// Scores of one position for all rows.
fn scoreBlock(position: u32, splitEnd: u32, request: u32, kvHead: u32, thread: u32) {
  var dots: array<f32, ROWS>;
  let inside = position < splitEnd;
  if (inside) {
    let slot = slotTable[request * p.maxLength + position];
    slots[thread] = slot;
    let key = headAt(KEYS, slot * p.kvHeads + kvHead);
    for (var d = 0u; d < p.quads; d++) {
      let k = loadedQuad(KEYS, &keys, key, d, unitScale(KEYS, &keys, key, d));
      for (var r = 0u; r < ROWS; r++) { dots[r] += dot(queries[r * QUADS + d], k); }
    }
  }
  for (var r = 0u; r < ROWS; r++) {
    let row = rowOf(r);
    let at = step[p.tokens + row.token];
    let seen = inside && position <= at && position + p.window > at;
    weights[r * SIZE + thread] = select(MASKED, score(dots[r], row.head, at - position), seen);
  }
}

// Scores → weights, with the running maximum and sum of each row. PARTS invocations share a row.
fn softmaxBlock(thread: u32) {
  let r = thread / PARTS;
  let part = thread % PARTS;
  var top = MASKED;
  if (r < ROWS) {
    for (var j = part; j < SIZE; j += PARTS) { top = max(top, weights[r * SIZE + j]); }
  }
  reduced[thread] = top;
  workgroupBarrier();
  if (r < ROWS) {
    top = maximum[r];
    for (var i = 0u; i < PARTS; i++) { top = max(top, reduced[r * PARTS + i]); }
  }
  workgroupBarrier();
  var sum = 0.0;
  if (r < ROWS) {
    for (var j = part; j < SIZE; j += PARTS) {
      let s = weights[r * SIZE + j];
      let e = select(exp(s - top), 0.0, s <= MASKED);
      weights[r * SIZE + j] = e;
      sum += e;
    }
  }
  reduced[thread] = sum;
  workgroupBarrier();
  if (r < ROWS && part == 0u) {
    for (var i = 1u; i < PARTS; i++) { sum += reduced[r * PARTS + i]; }
    rescale[r] = exp(maximum[r] - top);
    weight[r] = weight[r] * rescale[r] + sum;
    maximum[r] = top;
  }
  workgroupBarrier();
}

fn store(tokenHead: u32, split: u32, r: u32, d: u32, sum: f32) {
  if (p.splits == 1u) {
    y[tokenHead * VALUE_DIM + d] = sum / weight[r];
    return;
  }
  let at = (tokenHead * p.splits + split) * (VALUE_DIM + 2u);
  y[at + d] = sum;
  if (d == 0u) {
    y[at + VALUE_DIM] = maximum[r];
    y[at + VALUE_DIM + 1u] = weight[r];
  }
}
