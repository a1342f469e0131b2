// Puts pairs of a token and an expert in the order of experts, and cuts each expert's into tiles of TILE at most. One workgroup; a
// thread counts every SIZE-th expert. Behind group.wgsl, or group.lavapipe.wgsl.
const EACH = 1u; // experts that a thread counts
const TILE = 32u;

struct Params { pairs: u32, tiles: u32, rounds: u32 } // rounds: EACH, at which loops with reductions must not be unrolled
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> routing: array<f32>; // [T, k, 2]: number, weight
@group(0) @binding(1) var<storage, read_write> tiles: array<u32>; // [p.tiles, 3] expert, first, count; then [T·k] pairs

@compute @workgroup_size(SIZE)
fn main(@builtin(local_invocation_index) thread: u32) {
  var counts: array<u32, EACH>;
  for (var pair = 0u; pair < p.pairs; pair++) {
    let expert = u32(routing[2u * pair]);
    if (expert % SIZE == thread) { counts[expert / SIZE]++; }
  }
  var starts: array<u32, EACH>; // where an expert's next pair goes
  var pairs = 0u;
  var tile = 0u;
  for (var i = 0u; i < p.rounds; i++) {
    let count = counts[i];
    let own = (count + TILE - 1u) / TILE;
    starts[i] = pairs + u32(groupScan(thread, f32(count)));
    let first = tile + u32(groupScan(thread, f32(own)));
    for (var j = 0u; j < own; j++) {
      let at = (first + j) * 3u;
      tiles[at] = i * SIZE + thread;
      tiles[at + 1u] = starts[i] + j * TILE;
      tiles[at + 2u] = min(TILE, count - j * TILE);
    }
    pairs += u32(groupAdd(thread, f32(count)));
    tile += u32(groupAdd(thread, f32(own)));
  }
  for (var i = tile + thread; i < p.tiles; i += SIZE) {
    tiles[3u * i] = 0u;
    tiles[3u * i + 1u] = 0u;
    tiles[3u * i + 2u] = 0u;
  }
  for (var pair = 0u; pair < p.pairs; pair++) {
    let expert = u32(routing[2u * pair]);
    if (expert % SIZE != thread) { continue; }
    tiles[p.tiles * 3u + starts[expert / SIZE]] = pair;
    starts[expert / SIZE]++;
  }
}
