// 64 columns of a token of f32 activations: each lane has four of the first half and four of the second.
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>; // [T, K / 4]

fn columnQuad(token: u32, quad: u32) -> vec4<f32> {
  let quads = p.cols / 4u;
  return select(vec4<f32>(0.0), x[token * quads + min(quad, quads - 1u)], quad < quads);
}

fn columnsOf(token: u32, block: u32, lane: u32) -> Columns {
  return Columns(columnQuad(token, block * 16u + lane), columnQuad(token, block * 16u + 8u + lane));
}
