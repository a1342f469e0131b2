// Causal attention of prompts by matrix units: scores and weighted sums of values are products of small blocks, which all
// invocations of a subgroup compute together and of which nobody sees a single element until they are stored.
//
// A workgroup owns up to TILE_ROWS query rows and all of their context, TILE_KEYS positions at a time: scores, their weights and
// the weighted values, one behind the other. Operands go through workgroup memory in the type of the units' operands, weights
// too; the softmax and all sums are f32. Its TEAMS, subgroups, share each product out, DOWN × ACROSS.
//
// Weights are relative to `tops`, a score of the row that follows the largest one only once that is SLACK above it: e^SLACK fits
// f16, and the sums, which have to be scaled then and go through workgroup memory for it, can mostly stay where they are.
// include: ../kv-cache/cache.f32.wgsl
// include: no-sinks.wgsl
// include: segments.wgsl
// include: query-rows.wgsl
// include: ../matmul/matrix-unit.wgsl
const TILE_ROWS = 64u;
const TILE_KEYS = 32u;
const VALUE_DIM = 64u; // Dv: of each row of D values the first
const DOWN = 2u; // teams along the query rows
const ACROSS = 2u; // along the keys, then along the dimensions of the values
const LANES = 32u; // of a subgroup, at most
// A block of the units, as for a product of matrices: query rows × keys, summed over dimensions; query rows × dimensions, over keys.
const UNIT_TOKENS = 16u;
const UNIT_ROWS = 16u;
const UNIT_COLS = 16u;
const SLACK = 8.0;

const TEAMS = DOWN * ACROSS;
const THREADS = TEAMS * LANES;
const BLOCK = UNIT_TOKENS * UNIT_ROWS;
// Whole blocks; zeros behind the last dimension.
const KEY_COLS = (HEAD_DIM + UNIT_COLS - 1u) / UNIT_COLS * UNIT_COLS;
const VALUE_COLS = (VALUE_DIM + ACROSS * UNIT_ROWS - 1u) / (ACROSS * UNIT_ROWS) * ACROSS * UNIT_ROWS;
// Blocks of a team.
const ROW_BLOCKS = TILE_ROWS / DOWN / UNIT_TOKENS;
const KEY_BLOCKS = TILE_KEYS / ACROSS / UNIT_ROWS;
const VALUE_BLOCKS = VALUE_COLS / ACROSS / UNIT_ROWS;
// From line to line in workgroup memory: a little more than there is, so that lines begin in different banks.
const QUERY_STRIDE = KEY_COLS + 8u;
const WEIGHT_STRIDE = TILE_KEYS + 8u;
const HEAD_STRIDE = max(KEY_COLS, VALUE_COLS) + 8u;
const SCORE_STRIDE = TILE_KEYS + 4u;
const WEIGHTS = TILE_ROWS * QUERY_STRIDE; // where they begin
const PARTS = THREADS / TILE_ROWS; // of a row's softmax

var<workgroup> rows: array<Row, TILE_ROWS>;
var<workgroup> tileX: array<Operand, WEIGHTS + TILE_ROWS * WEIGHT_STRIDE>; // queries [row, D], weights [row, key]
var<workgroup> tileW: array<Operand, TILE_KEYS * HEAD_STRIDE>; // keys [key, D], then values [key, Dv]
var<workgroup> blocks: array<f32, TILE_ROWS * SCORE_STRIDE>; // scores [row, key]; sums, to be seen
var<workgroup> reduced: array<f32, THREADS>;
var<workgroup> tops: array<f32, TILE_ROWS>;
var<workgroup> totals: array<f32, TILE_ROWS>; // of the weights
var<workgroup> factors: array<f32, TILE_ROWS>; // of what there is, where `tops` have changed
var<workgroup> changed: atomic<u32>; // whether any sums have

fn putQuery(at: u32, v: vec4<f32>) {
  let a = operands(v);
  for (var c = 0u; c < 4u; c++) { tileX[at + c] = a[c]; }
}
fn putHead(at: u32, v: vec4<f32>) {
  let a = operands(v);
  for (var c = 0u; c < 4u; c++) { tileW[at + c] = a[c]; }
}

// The positions whose keys and values are in reach: of request's, from `begin` up to `end`.
struct Context { request: u32, begin: u32, end: u32, kvHead: u32 }

fn has(context: Context, position: u32) -> bool { return position >= context.begin && position < context.end; }
fn slotHead(context: Context, position: u32) -> u32 {
  return slotTable[context.request * p.maxLength + position] * p.kvHeads + context.kvHead;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) wg: vec3<u32>, own: Invocation) {
  let work = workOf(wg);
  if (work.tokens == 0u) { return; }
  let first = step[p.tokens + work.firstToken];
  let last = step[p.tokens + work.firstToken + work.tokens - 1u];
  let context = Context(step[2u * p.tokens + work.firstToken], firstSeen(first, p.window), last + 1u, work.kvHead);
  let thread = own.thread;
  // An adapter whose subgroups are smaller than LANES makes more of them than there are teams: those only load and weigh.
  let team = teamOf(own);
  let row0 = team / ACROSS * ROW_BLOCKS * UNIT_TOKENS;
  let across = team % ACROSS;
  if (thread < TILE_ROWS) {
    rows[thread] = rowOf(thread, work);
    tops[thread] = MASKED;
    totals[thread] = 0.0;
  }
  workgroupBarrier();
  loadQueries(thread);
  var sums: array<array<Sums, VALUE_BLOCKS>, ROW_BLOCKS>;
  for (var key0 = context.begin / TILE_KEYS * TILE_KEYS; key0 < context.end; key0 += TILE_KEYS) {
    workgroupBarrier();
    loadHeads(KEYS, &keys, HEAD_DIM, KEY_COLS, context, key0, thread);
    workgroupBarrier();
    if (team < TEAMS) { scoreBlocks(row0, across); }
    workgroupBarrier();
    loadHeads(VALUES, &values, VALUE_DIM, VALUE_COLS, context, key0, thread);
    topOfScores(key0, thread);
    workgroupBarrier();
    if (thread < TILE_ROWS) { raise(thread); }
    workgroupBarrier();
    weigh(thread);
    if (workgroupUniformLoad(&changed) == 1u) {
      for (var b = 0u; b < VALUE_BLOCKS; b++) {
        if (team < TEAMS) {
          for (var r = 0u; r < ROW_BLOCKS; r++) { show(sums[r][b], shownAt(row0, r, across), SCORE_STRIDE); }
        }
        workgroupBarrier();
        for (var i = thread; i < TILE_ROWS * ACROSS * UNIT_ROWS; i += THREADS) {
          let row = i / (ACROSS * UNIT_ROWS);
          blocks[row * SCORE_STRIDE + i % (ACROSS * UNIT_ROWS)] *= factors[row];
        }
        workgroupBarrier();
        if (team < TEAMS) {
          for (var r = 0u; r < ROW_BLOCKS; r++) { sums[r][b] = shown(shownAt(row0, r, across), SCORE_STRIDE); }
        }
        workgroupBarrier();
      }
    }
    if (thread < TILE_ROWS) { addWeights(thread); }
    if (team < TEAMS) {
      for (var key = 0u; key < TILE_KEYS; key += UNIT_COLS) {
        var left = array<Left, ROW_BLOCKS>();
        for (var r = 0u; r < ROW_BLOCKS; r++) {
          left[r] = leftAt(WEIGHTS + (row0 + r * UNIT_TOKENS) * WEIGHT_STRIDE + key, WEIGHT_STRIDE);
        }
        for (var b = 0u; b < VALUE_BLOCKS; b++) {
          let right = rightAcross(key * HEAD_STRIDE + (across * VALUE_BLOCKS + b) * UNIT_ROWS, HEAD_STRIDE);
          for (var r = 0u; r < ROW_BLOCKS; r++) { sums[r][b] = multiplied(left[r], right, sums[r][b]); }
        }
      }
    }
  }
  workgroupBarrier();
  if (thread < TILE_ROWS) {
    totals[thread] += exp(min(sinkOf(rows[thread].head) - tops[thread], 80.0));
  }
  for (var b = 0u; b < VALUE_BLOCKS; b++) {
    workgroupBarrier();
    if (team < TEAMS) {
      for (var r = 0u; r < ROW_BLOCKS; r++) { show(sums[r][b], shownAt(row0, r, across), SCORE_STRIDE); }
    }
    workgroupBarrier();
    for (var i = thread; i < TILE_ROWS * ACROSS * UNIT_ROWS; i += THREADS) {
      let row = rows[i / (ACROSS * UNIT_ROWS)];
      let column = i % (ACROSS * UNIT_ROWS);
      let d = (column / UNIT_ROWS * VALUE_BLOCKS + b) * UNIT_ROWS + column % UNIT_ROWS;
      if (row.exists == 1u && d < VALUE_DIM) {
        let r = i / (ACROSS * UNIT_ROWS);
        y[(row.token * p.heads + row.head) * VALUE_DIM + d] = blocks[r * SCORE_STRIDE + column] / totals[r];
      }
    }
  }
}

// Where a team shows its block r, beside the other teams': each has UNIT_ROWS columns of `blocks`.
fn shownAt(row0: u32, r: u32, across: u32) -> u32 {
  return (row0 + r * UNIT_TOKENS) * SCORE_STRIDE + across * UNIT_ROWS;
}

fn loadQueries(thread: u32) {
  for (var i = thread; i < TILE_ROWS * (KEY_COLS / 4u); i += THREADS) {
    let r = i / (KEY_COLS / 4u);
    let quad = i % (KEY_COLS / 4u);
    var v = vec4<f32>();
    if (quad < HEAD_DIM / 4u) { v = q[(rows[r].token * p.heads + rows[r].head) * (HEAD_DIM / 4u) + quad]; }
    putQuery(r * QUERY_STRIDE + 4u * quad, v);
  }
}

// Keys or values. Those out of reach are zeros, since what lies there may be anything, and so are columns behind the last dimension.
fn loadHeads(part: u32, source: Cache, dimensions: u32, columns: u32, context: Context, key0: u32, thread: u32) {
  for (var i = thread; i < TILE_KEYS * (columns / 4u); i += THREADS) {
    let j = i / (columns / 4u);
    let quad = i % (columns / 4u);
    var v = vec4<f32>();
    if (has(context, key0 + j) && quad < dimensions / 4u) {
      let head = headAt(part, slotHead(context, key0 + j));
      v = loadedQuad(part, source, head, quad, unitScale(part, source, head, quad));
    }
    putHead(j * HEAD_STRIDE + 4u * quad, v);
  }
}

// A team's scores, into `blocks`.
fn scoreBlocks(row0: u32, across: u32) {
  var scores = array<array<Sums, KEY_BLOCKS>, ROW_BLOCKS>();
  let key0 = across * KEY_BLOCKS * UNIT_ROWS;
  for (var col = 0u; col < KEY_COLS; col += UNIT_COLS) {
    var left = array<Left, ROW_BLOCKS>();
    for (var r = 0u; r < ROW_BLOCKS; r++) { left[r] = leftAt((row0 + r * UNIT_TOKENS) * QUERY_STRIDE + col, QUERY_STRIDE); }
    for (var k = 0u; k < KEY_BLOCKS; k++) {
      let right = rightAt((key0 + k * UNIT_ROWS) * HEAD_STRIDE + col, HEAD_STRIDE);
      for (var r = 0u; r < ROW_BLOCKS; r++) { scores[r][k] = multiplied(left[r], right, scores[r][k]); }
    }
  }
  for (var r = 0u; r < ROW_BLOCKS; r++) {
    for (var k = 0u; k < KEY_BLOCKS; k++) {
      show(scores[r][k], (row0 + r * UNIT_TOKENS) * SCORE_STRIDE + key0 + k * UNIT_ROWS, SCORE_STRIDE);
    }
  }
}

// Products → scores, with the largest of each of a row's PARTS.
fn topOfScores(key0: u32, thread: u32) {
  let r = thread % TILE_ROWS;
  let row = rows[r];
  var top = MASKED;
  for (var j = thread / TILE_ROWS; j < TILE_KEYS; j += PARTS) {
    let at = r * SCORE_STRIDE + j;
    blocks[at] = maskedScore(blocks[at], row, key0 + j);
    top = max(top, blocks[at]);
  }
  reduced[thread] = top;
  if (thread == 0u) { atomicStore(&changed, 0u); }
}

// Lets a row's top follow its largest score.
fn raise(r: u32) {
  var top = reduced[r];
  for (var part = 1u; part < PARTS; part++) { top = max(top, reduced[part * TILE_ROWS + r]); }
  factors[r] = 1.0;
  if (top <= tops[r] + SLACK) { return; }
  if (tops[r] > MASKED) {
    factors[r] = exp(tops[r] - top);
    atomicStore(&changed, 1u);
  }
  tops[r] = top;
}

// Scores → weights, as operands, with the sum of each of a row's PARTS: of what is multiplied.
fn weigh(thread: u32) {
  let r = thread % TILE_ROWS;
  var sum = vec4<f32>();
  for (var j = 4u * (thread / TILE_ROWS); j < TILE_KEYS; j += 4u * PARTS) {
    let at = r * SCORE_STRIDE + j;
    let s = vec4<f32>(blocks[at], blocks[at + 1u], blocks[at + 2u], blocks[at + 3u]);
    let weights = select(exp(s - tops[r]), vec4<f32>(), s <= vec4<f32>(MASKED));
    putQuery(WEIGHTS + r * WEIGHT_STRIDE + j, weights);
    sum += vec4<f32>(operands(weights));
  }
  reduced[thread] = sum.x + sum.y + sum.z + sum.w;
}

fn addWeights(r: u32) {
  var sum = totals[r] * factors[r];
  for (var part = 0u; part < PARTS; part++) { sum += reduced[part * TILE_ROWS + r]; }
  totals[r] = sum;
}
