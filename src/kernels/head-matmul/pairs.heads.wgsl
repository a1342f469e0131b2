// In place of ../expert-matmul/pairs.wgsl: pairs of a token and a head, in tiles of the same head. Pair t · HEADS + h is head h of
// token t, a row of x and of y; the head's matrix is its expert's.
const HEADS = 1u;
const TILE = 1u; // tokens of a tile

// A workgroup's: of one head, the first token, and how many. p.tiles: tokens of the step.
struct Pairs { expert: u32, first: u32, count: u32 }

fn pairsAt(line: u32) -> Pairs {
  let perHead = (p.tiles + TILE - 1u) / TILE;
  let tile = line / TILE;
  if (tile / perHead >= HEADS) { return Pairs(); } // of the grid's last ones
  let first = tile % perHead * TILE;
  return Pairs(tile / perHead, first, min(TILE, p.tiles - first));
}
fn pairOf(pairs: Pairs, line: u32) -> u32 { return (pairs.first + line) * HEADS + pairs.expert; }
