// y[t, n] = Σ_k x[t, k] · w[n, k] for many tokens by matrix units: products of small blocks, which all invocations of a subgroup
// compute together and of which nobody sees a single element until the sums are stored.
//
// A workgroup owns a tile of TILE_TOKENS × TILE_ROWS outputs and walks the columns TILE_COLS at a time. Its TEAMS, subgroups, share
// the tile out, DOWN × ACROSS; where the tile is too small for them all, DEEP of them share the columns of each step instead, and
// their sums are added up at the end. Operands go through workgroup memory, decoded, in the type of the units' operands; those of
// the next step are loaded into registers, still packed, in front of the products, which hides the way to memory.
// matrix-unit.wgsl has the units' own operations; matrix-unit.emulated.wgsl takes its place where an adapter has none.
// include: chunk.f32.wgsl
// include: input.f32.wgsl
// include: ../row-grid.wgsl
// include: output.wgsl
// include: load-tiles.wgsl
// include: matrix-unit.wgsl
const TILE_TOKENS = 32u;
const TILE_ROWS = 32u;
const TILE_COLS = 32u; // a multiple of 8
const DOWN = 2u; // teams along the tokens
const ACROSS = 2u; // along the rows
const DEEP = 1u; // along the columns
const LANES = 32u; // of a subgroup, at most
// A block of the units: tokens × rows, summed over columns.
const UNIT_TOKENS = 16u;
const UNIT_ROWS = 16u;
const UNIT_COLS = 16u;

const TEAMS = DOWN * ACROSS * DEEP;
const THREADS = TEAMS * LANES;
const BLOCKS_DOWN = TILE_TOKENS / DOWN / UNIT_TOKENS; // blocks of a team
const BLOCKS_ACROSS = TILE_ROWS / ACROSS / UNIT_ROWS;
const BLOCK = UNIT_TOKENS * UNIT_ROWS;
// From line to line in workgroup memory: 8 more than the columns, so that the lines of a block begin in different banks.
const STRIDE = TILE_COLS + 8u;

var<workgroup> tileX: array<Operand, TILE_TOKENS * STRIDE>;
var<workgroup> tileW: array<Operand, TILE_ROWS * STRIDE>;
var<workgroup> blocks: array<f32, TEAMS * BLOCK>; // one of each team, to be seen

fn putX(line: u32, chunk: u32, c: Chunk) {
  let a = operands(c.a);
  let b = operands(c.b);
  let to = line * STRIDE + chunk * 8u;
  for (var i = 0u; i < 4u; i++) { tileX[to + i] = a[i]; tileX[to + 4u + i] = b[i]; }
}
fn putW(line: u32, chunk: u32, c: Chunk) {
  let a = operands(c.a);
  let b = operands(c.b);
  let to = line * STRIDE + chunk * 8u;
  for (var i = 0u; i < 4u; i++) { tileW[to + i] = a[i]; tileW[to + 4u + i] = b[i]; }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) wg: vec3<u32>, own: Invocation) {
  let work = begin(gridRow(wg.y, wg.z) * TILE_TOKENS, wg.x * TILE_ROWS);
  if (isIdle(work)) { return; }
  let thread = own.thread;
  // An adapter whose subgroups are smaller than LANES makes more of them than there are teams: those only load and store.
  let team = teamOf(own);
  let tokens0 = team / (ACROSS * DEEP) * BLOCKS_DOWN * UNIT_TOKENS;
  let rows0 = team / DEEP % ACROSS * BLOCKS_ACROSS * UNIT_ROWS;
  let cols0 = team % DEEP * UNIT_COLS;
  var sums: array<array<Sums, BLOCKS_ACROSS>, BLOCKS_DOWN>;
  load(work, 0u, thread);
  for (var chunk0 = 0u; chunk0 < p.chunks; chunk0 += CHUNKS) {
    put(thread);
    workgroupBarrier();
    load(work, chunk0 + CHUNKS, thread);
    if (team < TEAMS) {
      for (var col = cols0; col < TILE_COLS; col += DEEP * UNIT_COLS) {
        var right: array<Right, BLOCKS_ACROSS>;
        for (var r = 0u; r < BLOCKS_ACROSS; r++) { right[r] = rightAt((rows0 + r * UNIT_ROWS) * STRIDE + col, STRIDE); }
        for (var t = 0u; t < BLOCKS_DOWN; t++) {
          let left = leftAt((tokens0 + t * UNIT_TOKENS) * STRIDE + col, STRIDE);
          for (var r = 0u; r < BLOCKS_ACROSS; r++) { sums[t][r] = multiplied(left, right[r], sums[t][r]); }
        }
      }
    }
    workgroupBarrier();
  }
  for (var t = 0u; t < BLOCKS_DOWN; t++) {
    for (var r = 0u; r < BLOCKS_ACROSS; r++) {
      if (team < TEAMS) { show(sums[t][r], team * BLOCK, UNIT_ROWS); }
      workgroupBarrier();
      for (var i = thread; i < DOWN * ACROSS * BLOCK; i += THREADS) {
        let owner = i / BLOCK;
        let token = i % BLOCK / UNIT_ROWS;
        let row = i % UNIT_ROWS;
        var sum = 0.0;
        for (var part = 0u; part < DEEP; part++) { sum += blocks[(owner * DEEP + part) * BLOCK + i % BLOCK]; }
        store(work, (owner / ACROSS * BLOCKS_DOWN + t) * UNIT_TOKENS + token, (owner % ACROSS * BLOCKS_ACROSS + r) * UNIT_ROWS + row, sum);
      }
      workgroupBarrier();
    }
  }
}
