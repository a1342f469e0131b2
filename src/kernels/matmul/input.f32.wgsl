// 8 columns of a token of f32 activations.
// include: chunk.wgsl
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>; // [T, K / 4]

fn inputChunk(token: u32, chunk: u32) -> Chunk {
  let at = (token * p.chunks + chunk) * 2u;
  return Chunk(x[at], x[at + 1u]);
}
