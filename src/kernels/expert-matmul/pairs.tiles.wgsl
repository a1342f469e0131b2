// Pairs in tiles of the same expert, which expert-tiles.wgsl put together: a workgroup has one tile, some have none.
@group(0) @binding(5) var<storage, read> tiles: array<u32>; // [p.tiles, 3] expert, first, count; then [T·k] pairs, an expert's together
const TILE = 32u;

// A workgroup's: of one expert, the first of them in their order, and how many.
struct Pairs { expert: u32, first: u32, count: u32 }

fn pairsAt(line: u32) -> Pairs {
  if (line / TILE >= p.tiles) { return Pairs(); } // of the grid's last ones
  let at = line / TILE * 3u;
  return Pairs(tiles[at], tiles[at + 1u], tiles[at + 2u]);
}
fn pairOf(pairs: Pairs, line: u32) -> u32 { return tiles[p.tiles * 3u + pairs.first + line]; }
