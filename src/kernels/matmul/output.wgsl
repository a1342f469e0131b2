// What the matrix products for GPUs share: their parameters, which lines of x meet which rows of w, their result, and what is
// added to it. ../expert-matmul/expert-output.wgsl takes its place where each line has a matrix of its own.
// include: no-bias.wgsl
// include: no-residual.wgsl
struct Params {
  tokens: u32, // T
  rows: u32, // N
  cols: u32, // K
  chunks: u32, // K / 8, rounded up
  firstRow: u32, // of the slice of the matrix that is bound, and how many it has
  sliceRows: u32,
}
var<immediate> p: Params;
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [T, N]

// Where the lines and rows of a workgroup begin; functions count from there, and rows are those of the slice.
struct Work { line: u32, row: u32 }
fn begin(line: u32, row: u32) -> Work { return Work(line, row); }

fn isIdle(work: Work) -> bool { return false; }
fn hasLine(work: Work, line: u32) -> bool { return work.line + line < p.tokens; }
fn hasRow(work: Work, row: u32) -> bool { return work.row + row < p.sliceRows; }
// Of x, and of the slice: behind the last it is the last.
fn inputRow(work: Work, line: u32) -> u32 { return min(work.line + line, p.tokens - 1u); }
fn weightRow(work: Work, row: u32) -> u32 { return min(work.row + row, p.sliceRows - 1u); }

// What is made of a sum: `column` of all rows, `at` of the residual.
fn finished(sum: f32, column: u32, at: u32) -> f32 { return sum + biasOf(column) + residualAt(at); }

// A line or a row behind the last is left alone.
fn store(work: Work, line: u32, row: u32, sum: f32) {
  if (!hasLine(work, line) || !hasRow(work, row)) { return; }
  let column = p.firstRow + work.row + row;
  let at = (work.line + line) * p.rows + column;
  y[at] = finished(sum, column, at);
}
