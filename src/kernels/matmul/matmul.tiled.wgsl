// y[t, n] = Σ_k x[t, k] · w[n, k] for many tokens: the weights are decoded once for all tokens of a tile.
//
// A workgroup owns a tile of TILE_TOKENS × TILE_ROWS outputs and walks the columns TILE_COLS at a time. Both operands of a
// step are put into workgroup memory in f32; then every invocation multiplies TOKENS tokens with ROWS rows out of registers,
// while the operands of the next step are on their way. Loops over them have constant bounds and are unrolled.
// include: chunk.f32.wgsl
// include: input.f32.wgsl
// include: ../row-grid.wgsl
// include: output.wgsl
// include: load-tiles.wgsl
const TILE_TOKENS = 32u;
const TILE_ROWS = 32u;
const TILE_COLS = 32u; // 8, 16 or 32
const TOKENS = 2u; // of an invocation
const ROWS = 4u; // of an invocation

const QUADS = TILE_COLS / 4u;
const DOWN = TILE_TOKENS / TOKENS;
const ACROSS = TILE_ROWS / ROWS;
const THREADS = DOWN * ACROSS;

// vec4s of 4 consecutive columns, at `slot(token or row, quad)`
var<workgroup> tileX: array<vec4<f32>, TILE_TOKENS * QUADS>;
var<workgroup> tileW: array<vec4<f32>, TILE_ROWS * QUADS>;

// The quad is XOR-ed with the line, so that invocations that read the same columns of different lines use different banks.
fn slot(line: u32, quad: u32) -> u32 { return line * QUADS + (quad ^ ((line / (8u / QUADS)) % QUADS)); }

fn putX(line: u32, chunk: u32, c: Chunk) {
  tileX[slot(line, 2u * chunk)] = c.a;
  tileX[slot(line, 2u * chunk + 1u)] = c.b;
}
fn putW(line: u32, chunk: u32, c: Chunk) {
  tileW[slot(line, 2u * chunk)] = c.a;
  tileW[slot(line, 2u * chunk + 1u)] = c.b;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let work = begin(gridRow(wg.y, wg.z) * TILE_TOKENS, wg.x * TILE_ROWS);
  if (isIdle(work)) { return; }
  // Invocation (i, j) owns tokens i, i + DOWN, … and rows j, j + ACROSS, … of the tile.
  let i = thread / ACROSS;
  let j = thread % ACROSS;
  var sums: array<array<f32, ROWS>, TOKENS>;
  load(work, 0u, thread);
  for (var chunk0 = 0u; chunk0 < p.chunks; chunk0 += CHUNKS) {
    put(thread);
    workgroupBarrier();
    load(work, chunk0 + CHUNKS, thread);
    for (var quad = 0u; quad < QUADS; quad++) {
      var w: array<vec4<f32>, ROWS>;
      for (var r = 0u; r < ROWS; r++) { w[r] = tileW[slot(j + r * ACROSS, quad)]; }
      var x: array<vec4<f32>, TOKENS>;
      for (var t = 0u; t < TOKENS; t++) { x[t] = tileX[slot(i + t * DOWN, quad)]; }
      for (var t = 0u; t < TOKENS; t++) {
        for (var r = 0u; r < ROWS; r++) { sums[t][r] += dot(x[t], w[r]); }
      }
    }
    workgroupBarrier();
  }
  for (var t = 0u; t < TOKENS; t++) {
    for (var r = 0u; r < ROWS; r++) { store(work, i + t * DOWN, j + r * ACROSS, sums[t][r]); }
  }
}
