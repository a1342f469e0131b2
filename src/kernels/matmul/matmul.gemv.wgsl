// y[t, n] = Σ_k x[t, k] · w[n, k] for few tokens: bound by reading the weights once, so each is loaded once, 16 bytes an
// invocation at a time, and used for TOKENS tokens.
//
// A workgroup is TEAMS teams of LANES invocations; a team owns ROWS rows and strides over their columns in spans, the columns of
// such a load, so that the loads of a team are contiguous. x goes through workgroup memory, a tile of SWEEPS spans for each lane at a
// time; the weights of the next tile are under way meanwhile. The partial sums of each (row, token) meet in workgroup memory, one
// invocation adding up each: right for any subgroup size. A sum has one order, whatever ROWS, TOKENS, TEAMS and SWEEPS are: by
// the spans of a lane, then by lanes.
// include: product.float.wgsl
// include: input.f32.wgsl
// include: ../row-grid.wgsl
// include: output.wgsl
// include: finish.wgsl
const ROWS = 1u; // of a team
const PARTS = 1u; // of the matrix, one below the other: a team has the same rows of each
const TOKENS = 1u; // of a workgroup
const TEAMS = 16u;
const SWEEPS = 4u; // 1, 2 or 4

const LANES = 8u;
const THREADS = TEAMS * LANES;
const SPANS = SWEEPS * LANES; // of a tile
const OWN = ROWS / PARTS; // rows of y
const OUTPUTS = OWN * TOKENS; // of a team; at most LANES
const TEAM_STRIDE = LANES + 1u; // so that the lanes of different teams lie in different banks

var<workgroup> partial: array<f32, ROWS * TOKENS * TEAMS * TEAM_STRIDE>; // [sum][team][lane]

// One of a team's sums, those of a row together.
fn total(team: u32, sum: u32) -> f32 {
  var all = 0.0;
  for (var lane = 0u; lane < LANES; lane++) { all += partial[(sum * TEAMS + team) * TEAM_STRIDE + lane]; }
  return all;
}

// A span of each row for each sweep. They have names, since an array that a loop indexes might end in memory instead of
// registers.
struct Tile { a: array<Weights, ROWS>, b: array<Weights, ROWS>, c: array<Weights, ROWS>, d: array<Weights, ROWS> }

// Behind a row's last span there is nothing to load.
fn sweepWeights(starts: array<u32, ROWS>, first: u32, spans: u32, lane: u32) -> array<Weights, ROWS> {
  var w: array<Weights, ROWS>;
  if (first < spans) {
    let span = min(first + lane, spans - 1u);
    for (var r = 0u; r < ROWS; r++) { w[r] = weightsAt(starts[r] + span); }
  }
  return w;
}

fn tileWeights(starts: array<u32, ROWS>, first: u32, spans: u32, lane: u32) -> Tile {
  var w: Tile;
  w.a = sweepWeights(starts, first, spans, lane);
  if (SWEEPS > 1u) { w.b = sweepWeights(starts, first + LANES, spans, lane); }
  if (SWEEPS > 2u) {
    w.c = sweepWeights(starts, first + 2u * LANES, spans, lane);
    w.d = sweepWeights(starts, first + 3u * LANES, spans, lane);
  }
  return w;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let team = thread / LANES;
  let lane = thread % LANES;
  let work = begin(gridRow(wg.y, wg.z) * TOKENS, wg.x * TEAMS * OWN);
  if (isIdle(work)) { return; }
  let own = team * OWN; // the team's first row
  let spans = p.chunks / SPAN_CHUNKS; // of a row
  var starts: array<u32, ROWS>;
  for (var r = 0u; r < ROWS; r++) { starts[r] = (weightRow(work, own + r % OWN) + r / OWN * p.rows) * spans; }
  var w = tileWeights(starts, 0u, spans, lane);
  prologue(work, thread);
  var sums: array<array<f32, TOKENS>, ROWS>;
  for (var first = 0u; first < spans; first += SPANS) {
    workgroupBarrier(); // those who still read the tile in front of this
    for (var i = thread; i < TOKENS * SPANS * SPAN_CHUNKS; i += THREADS) {
      let t = i / (SPANS * SPAN_CHUNKS);
      let chunk = i % (SPANS * SPAN_CHUNKS);
      putX(t, chunk, inputRow(work, t), first * SPAN_CHUNKS + chunk);
    }
    tileIsPut(thread);
    addProducts(&sums, w.a, lane);
    if (SWEEPS > 1u && first + LANES < spans) { addProducts(&sums, w.b, LANES + lane); }
    if (SWEEPS > 2u && first + 2u * LANES < spans) { addProducts(&sums, w.c, 2u * LANES + lane); }
    if (SWEEPS > 2u && first + 3u * LANES < spans) { addProducts(&sums, w.d, 3u * LANES + lane); }
    w = tileWeights(starts, first + SPANS, spans, lane);
  }
  for (var r = 0u; r < ROWS; r++) {
    for (var t = 0u; t < TOKENS; t++) { partial[((r * TOKENS + t) * TEAMS + team) * TEAM_STRIDE + lane] = sums[r][t]; }
  }
  workgroupBarrier();
  if (lane < OUTPUTS) { finish(work, lane % TOKENS, own + lane / TOKENS, team, lane); }
}
