// Causal attention over token slots on any GPU, a segment of the context after the other (segments.wgsl).
//
// A workgroup owns up to ROWS query rows (consecutive tokens of one request × heads that share a key-value head) and some
// segments of their context, one or all. Scores: KEY_LANES neighbours share a key, so that what they load is contiguous, and
// their sums meet in workgroup memory: right for any subgroup size. Values: invocation (lane, quad) walks every LANES-th
// position for four dimensions. So each key and value is loaded once a workgroup and used for ROWS rows out of registers.
// Which sums there are, and their order, does not depend on ROWS, a power of two up to 16. Loops over rows have constant bounds
// and are unrolled. Latents are one key head that all query heads share, and their own values: the first VALUE_DIM of their
// HEAD_DIM dimensions.
// include: ../kv-cache/cache.f32.wgsl
// include: no-sinks.wgsl
// include: segments.wgsl
// include: query-rows.wgsl
const ROWS = 4u;
const VALUE_DIM = 64u; // Dv: of each row of D values the first

const SIZE = 128u;
const QUADS = HEAD_DIM / 4u;
const KEY_LANES = 4u; // that share a key
const PASS = SIZE / KEY_LANES; // keys
const AT_ONCE = min(SEGMENT / PASS, 16u / ROWS); // passes whose sums meet together
const PARTS = 16u; // of a row's softmax
const VALUE_QUADS = VALUE_DIM / 4u;
const LANES = SIZE / VALUE_QUADS; // that share four dimensions of the values
const SHARED_ROWS = min(ROWS, 4u); // whose sums meet together
const OWNED = (SHARED_ROWS * VALUE_DIM + SIZE - 1u) / SIZE; // sums of those that an invocation keeps
const STRIDE = SIZE + 1u; // rows of `exchange` begin at other banks of the memory

var<workgroup> rows: array<Row, ROWS>;
var<workgroup> queries: array<vec4<f32>, ROWS * QUADS>;
var<workgroup> slots: array<u32, SEGMENT>;
var<workgroup> weights: array<f32, SEGMENT * ROWS>; // [position, row]: scores, then exp(score - largest)
var<workgroup> exchange: array<f32, 4u * SHARED_ROWS * STRIDE>;
var<workgroup> reduced: array<f32, PARTS * ROWS>;
var<workgroup> largest: array<f32, ROWS>; // of the segment
var<workgroup> joins: array<Join, ROWS>;
// Of all segments so far, with `sums` below.
var<workgroup> tops: array<f32, ROWS>;
var<workgroup> totals: array<f32, ROWS>;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let work = workOf(wg);
  if (work.tokens == 0u) { return; }

  // Parts are those of the list's tokens, as many for each entry.
  let partToken = wg.x * p.tileTokens;

  // Which segments: this split's share of those in which any row sees something.
  let request = step[2u * p.tokens + work.firstToken];
  let begin = firstSeen(step[p.tokens + work.firstToken], p.window);
  let end = step[p.tokens + work.firstToken + work.tokens - 1u] + 1u;
  let segments = (end - 1u) / SEGMENT + 1u - begin / SEGMENT;
  let share = (segments + p.splits - 1u) / p.splits;
  let firstSegment = begin / SEGMENT + min(segments, wg.z * share);
  let lastSegment = begin / SEGMENT + min(segments, wg.z * share + share);

  if (thread < ROWS) {
    rows[thread] = rowOf(thread, work);
    // A sink joins in front of all segments.
    startRow(thread, sinkOf(rows[thread].head));
  }
  workgroupBarrier();
  for (var i = thread; i < ROWS * QUADS; i += SIZE) {
    let row = rows[i / QUADS];
    queries[i] = q[(row.token * p.heads + row.head) * QUADS + i % QUADS];
  }
  var sums: array<f32, (ROWS / SHARED_ROWS) * OWNED>;

  for (var segment = firstSegment; segment < lastSegment; segment++) {
    let segment0 = segment * SEGMENT;
    workgroupBarrier();
    if (p.parts > 1u) {
      if (thread < ROWS) {
        let row = rows[thread];
        startRow(thread, select(MASKED, sinkOf(row.head), firstSeen(row.position, p.window) / SEGMENT == segment));
      }
      for (var o = 0u; o < (ROWS / SHARED_ROWS) * OWNED; o++) { sums[o] = 0.0; }
    }
    for (var j = thread; j < SEGMENT; j += SIZE) {
      if (segment0 + j >= begin && segment0 + j < end) { slots[j] = slotTable[request * p.maxLength + segment0 + j]; }
    }
    workgroupBarrier();
    scoreSegment(segment0, begin, end, work.kvHead, thread);
    weighSegment(thread);

    // The values of each lane's positions, then of all lanes one after the other, for SHARED_ROWS at a time.
    var own = array<vec4<f32>, ROWS>();
    let quad = thread % VALUE_QUADS;
    let lane = thread / VALUE_QUADS;
    if (lane < LANES) {
      let skipped = max(begin, segment0) - segment0;
      for (var j = (skipped + LANES - 1u - lane) / LANES * LANES + lane; j < min(SEGMENT, end - segment0); j += LANES) {
        let head = headAt(VALUES, slots[j] * p.kvHeads + work.kvHead);
        let v = loadedQuad(VALUES, &values, head, quad, unitScale(VALUES, &values, head, quad));
        for (var r = 0u; r < ROWS; r++) { own[r] = fma(vec4<f32>(weights[j * ROWS + r]), v, own[r]); }
      }
    }
    for (var shared0 = 0u; shared0 < ROWS; shared0 += SHARED_ROWS) {
      workgroupBarrier();
      for (var r = 0u; r < SHARED_ROWS; r++) {
        for (var c = 0u; c < 4u; c++) { exchange[(r * 4u + c) * STRIDE + thread] = own[shared0 + r][c]; }
      }
      workgroupBarrier();
      for (var o = 0u; o < OWNED; o++) {
        let at = ownedAt(o, thread);
        if (at.row < SHARED_ROWS) {
          let begin0 = (at.row * 4u + at.dimension % 4u) * STRIDE + at.dimension / 4u;
          var sum = exchange[begin0];
          for (var l = 1u; l < LANES; l++) { sum += exchange[begin0 + l * VALUE_QUADS]; }
          let s = shared0 / SHARED_ROWS * OWNED + o;
          sums[s] = joined(sums[s], sum, joins[shared0 + at.row]);
          if (p.parts > 1u) { storePart(segment, shared0 + at.row, partToken, at.dimension, sums[s]); }
        }
      }
    }
  }

  if (p.parts > 1u) { return; }
  for (var shared0 = 0u; shared0 < ROWS; shared0 += SHARED_ROWS) {
    for (var o = 0u; o < OWNED; o++) {
      let at = ownedAt(o, thread);
      if (at.row < SHARED_ROWS && rows[shared0 + at.row].exists == 1u) {
        let row = rows[shared0 + at.row];
        let sum = sums[shared0 / SHARED_ROWS * OWNED + o];
        y[(row.token * p.heads + row.head) * VALUE_DIM + at.dimension] = sum / totals[shared0 + at.row];
      }
    }
  }
}

fn startRow(r: u32, sink: f32) {
  tops[r] = sink;
  totals[r] = select(1.0, 0.0, sink <= MASKED);
}

// Scores of a segment's positions for all rows. Lane l of a key has its quads l, l + KEY_LANES, …
fn scoreSegment(segment0: u32, begin: u32, end: u32, kvHead: u32, thread: u32) {
  let lane = thread % KEY_LANES;
  for (var pass0 = 0u; pass0 < SEGMENT / PASS; pass0 += AT_ONCE) {
    for (var i = 0u; i < AT_ONCE; i++) {
      let j = (pass0 + i) * PASS + thread / KEY_LANES;
      var dots = array<f32, ROWS>(); // zeros, said: see docs/adding-a-kernel.md
      if (segment0 + j >= begin && segment0 + j < end) {
        let key = headAt(KEYS, slots[j] * p.kvHeads + kvHead);
        for (var d = lane; d < QUADS; d += KEY_LANES) {
          let k = loadedQuad(KEYS, &keys, key, d, unitScale(KEYS, &keys, key, d));
          for (var r = 0u; r < ROWS; r++) {
            let a = queries[r * QUADS + d];
            dots[r] = fma(a.w, k.w, fma(a.z, k.z, fma(a.y, k.y, fma(a.x, k.x, dots[r]))));
          }
        }
      }
      for (var r = 0u; r < ROWS; r++) { exchange[(i * ROWS + r) * STRIDE + thread] = dots[r]; }
    }
    workgroupBarrier();
    for (var i = thread; i < AT_ONCE * PASS * ROWS; i += SIZE) {
      let r = i % ROWS;
      let key = i / ROWS;
      let begin0 = (key / PASS * ROWS + r) * STRIDE + key % PASS * KEY_LANES;
      var dot = exchange[begin0];
      for (var l = 1u; l < KEY_LANES; l++) { dot += exchange[begin0 + l]; }
      let j = pass0 * PASS + key;
      weights[j * ROWS + r] = maskedScore(dot, rows[r], segment0 + j);
    }
    workgroupBarrier();
  }
}

// Scores → weights, with their largest and their sum, which join what is there of each row. An invocation has every PARTS-th position.
fn weighSegment(thread: u32) {
  for (var i = thread; i < PARTS * ROWS; i += SIZE) {
    var top = MASKED;
    for (var j = i / ROWS; j < SEGMENT; j += PARTS) { top = max(top, weights[j * ROWS + i % ROWS]); }
    reduced[i] = top;
  }
  workgroupBarrier();
  if (thread < ROWS) {
    var top = MASKED;
    for (var part = 0u; part < PARTS; part++) { top = max(top, reduced[part * ROWS + thread]); }
    largest[thread] = top;
    joins[thread] = joinOf(tops[thread], top);
  }
  workgroupBarrier();
  for (var i = thread; i < PARTS * ROWS; i += SIZE) {
    let top = largest[i % ROWS];
    var sum = 0.0;
    for (var j = i / ROWS; j < SEGMENT; j += PARTS) {
      let at = j * ROWS + i % ROWS;
      let s = weights[at];
      let weight = select(exp(s - top), 0.0, s <= MASKED);
      weights[at] = weight;
      sum += weight;
    }
    reduced[i] = sum;
  }
  workgroupBarrier();
  if (thread < ROWS) {
    var sum = reduced[thread];
    for (var part = 1u; part < PARTS; part++) { sum += reduced[part * ROWS + thread]; }
    tops[thread] = joins[thread].top;
    totals[thread] = joined(totals[thread], sum, joins[thread]);
  }
}

// The sum that an invocation keeps: of SHARED_ROWS rows one, or none where row is SHARED_ROWS or more. Neighbours have
// neighbouring quads.
struct Owned { row: u32, dimension: u32 }

fn ownedAt(o: u32, thread: u32) -> Owned {
  let i = o * SIZE + thread;
  let column = i % VALUE_DIM;
  return Owned(i / VALUE_DIM, column % VALUE_QUADS * 4u + column / VALUE_QUADS);
}

// @param partToken of the workgroup's first token
fn storePart(segment: u32, r: u32, partToken: u32, d: u32, sum: f32) {
  let row = rows[r];
  let first = firstSeen(row.position, p.window) / SEGMENT;
  if (row.exists == 0u || segment < first || segment > row.position / SEGMENT) { return; }
  let token = partToken + r / p.headRows;
  let at = ((token * p.heads + row.head) * p.parts + segment - first) * (VALUE_DIM + 2u);
  y[at + d] = sum;
  if (d == 0u) {
    y[at + VALUE_DIM] = tops[r];
    y[at + VALUE_DIM + 1u] = totals[r];
  }
}
