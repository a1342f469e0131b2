// The same where rows are no multiple of 4 columns: one by one.
@group(0) @binding(3) var<storage, read> x: array<f32>; // [T, K]

fn column(token: u32, k: u32) -> f32 { return select(0.0, x[token * p.cols + min(k, p.cols - 1u)], k < p.cols); }

fn columnQuad(token: u32, k: u32) -> vec4<f32> {
  return vec4<f32>(column(token, k), column(token, k + 1u), column(token, k + 2u), column(token, k + 3u));
}

fn columnsOf(token: u32, block: u32, lane: u32) -> Columns {
  return Columns(columnQuad(token, block * 64u + lane * 4u), columnQuad(token, block * 64u + 32u + lane * 4u));
}
