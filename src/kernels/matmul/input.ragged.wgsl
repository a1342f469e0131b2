// 8 columns of a token of f32 activations whose rows are no multiple of 8 columns: each with a bound check.
// include: chunk.wgsl
@group(0) @binding(2) var<storage, read> x: array<f32>; // [T, K]

fn inputColumn(token: u32, k: u32) -> f32 {
  if (k >= p.cols) { return 0.0; }
  return x[token * p.cols + k];
}

fn inputChunk(token: u32, chunk: u32) -> Chunk {
  let k = chunk * 8u;
  return Chunk(
    vec4<f32>(inputColumn(token, k), inputColumn(token, k + 1u), inputColumn(token, k + 2u), inputColumn(token, k + 3u)),
    vec4<f32>(inputColumn(token, k + 4u), inputColumn(token, k + 5u), inputColumn(token, k + 6u), inputColumn(token, k + 7u)));
}
