// What the matrix products for GPUs share: their parameters, their result, and what is added to it.
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

// `row` counts from the slice's first; a token or a row behind the last is left alone.
fn store(token: u32, row: u32, sum: f32) {
  if (token >= p.tokens || row >= p.sliceRows) { return; }
  let at = token * p.rows + p.firstRow + row;
  y[at] = sum + biasOf(p.firstRow + row) + residualAt(at);
}
