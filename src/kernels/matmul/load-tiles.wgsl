// How both operands of matmul.tiled and matmul.matrix come into the tiles in workgroup memory: loaded into registers, the weights
// still packed, while the step in front of theirs is multiplied; decoded when they are put into the tiles. A kernel says with
// putX and putW where a chunk of a line goes.
// include: packed.float.wgsl
const CHUNKS = TILE_COLS / 8u;
const LOADS_X = (TILE_TOKENS * CHUNKS + THREADS - 1u) / THREADS; // chunks of an invocation
const LOADS_W = (TILE_ROWS * CHUNKS + THREADS - 1u) / THREADS;
var<private> nextX: array<Chunk, LOADS_X>;
var<private> nextW: array<Packed, LOADS_W>;

// From chunk `chunk0` of all lines on; zeros behind the last line and the last chunk.
fn load(work: Work, chunk0: u32, thread: u32) {
  for (var i = 0u; i < LOADS_X; i++) {
    let at = i * THREADS + thread;
    let line = at / CHUNKS;
    let chunk = chunk0 + at % CHUNKS;
    nextX[i] = Chunk();
    if (line < TILE_TOKENS && hasLine(work, line) && chunk < p.chunks) { nextX[i] = inputChunk(inputRow(work, line), chunk); }
  }
  for (var i = 0u; i < LOADS_W; i++) {
    let at = i * THREADS + thread;
    let line = at / CHUNKS;
    let chunk = chunk0 + at % CHUNKS;
    nextW[i] = Packed();
    if (line < TILE_ROWS && hasRow(work, line) && chunk < p.chunks) {
      nextW[i] = packedAt(weightRow(work, line) * p.chunks + chunk);
    }
  }
}

fn put(thread: u32) {
  for (var i = 0u; i < LOADS_X; i++) {
    let at = i * THREADS + thread;
    if (at < TILE_TOKENS * CHUNKS) { putX(at / CHUNKS, at % CHUNKS, nextX[i]); }
  }
  for (var i = 0u; i < LOADS_W; i++) {
    let at = i * THREADS + thread;
    if (at < TILE_ROWS * CHUNKS) { putW(at / CHUNKS, at % CHUNKS, unpacked(nextW[i])); }
  }
}
