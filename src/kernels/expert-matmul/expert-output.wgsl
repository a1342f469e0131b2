// In place of ../matmul/output.wgsl: which lines of x meet which rows of w where each line has the matrix of its expert. A line is a
// pair of a token and one of its experts, pair t·k + j the token's j-th. The rows of all experts lie one behind the other in
// w, of which a slice is bound.
// include: pairs.wgsl
// include: ../matmul/no-bias.wgsl
struct Params {
  inputs: u32, // rows of x
  rows: u32, // N, of an expert
  cols: u32, // K
  chunks: u32, // K / 8, rounded up
  firstRow: u32, // of the slice of the matrix that is bound, and how many it has
  sliceRows: u32,
  pairs: u32, // T·k
  perInput: u32, // pairs that share a row of x
  tiles: u32, // of pairs.tiles.wgsl
}
var<immediate> p: Params;
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [T·k, N]

struct Work { row: u32, pairs: Pairs }
fn begin(line: u32, row: u32) -> Work { return Work(row, pairsAt(line)); }

// Whether no rows of the expert are in this slice, or no pair is left.
fn isIdle(work: Work) -> bool {
  let first = work.pairs.expert * p.rows;
  return work.pairs.count == 0u || first + work.row >= p.firstRow + p.sliceRows || first + p.rows <= p.firstRow;
}

fn hasLine(work: Work, line: u32) -> bool { return line < work.pairs.count; }
// Counted from the slice's first; beyond 2³¹ where it lies in front of it.
fn sliceRow(work: Work, row: u32) -> u32 { return work.pairs.expert * p.rows + work.row + row - p.firstRow; }
fn hasRow(work: Work, row: u32) -> bool { return work.row + row < p.rows && sliceRow(work, row) < p.sliceRows; }
fn inputRow(work: Work, line: u32) -> u32 { return pairOf(work.pairs, min(line, work.pairs.count - 1u)) / p.perInput; }
fn weightRow(work: Work, row: u32) -> u32 { return min(sliceRow(work, row), p.sliceRows - 1u); }

fn store(work: Work, line: u32, row: u32, sum: f32) {
  if (!hasLine(work, line) || !hasRow(work, row)) { return; }
  let column = work.row + row;
  y[pairOf(work.pairs, line) * p.rows + column] = sum + biasOf(work.pairs.expert * p.rows + column);
}
