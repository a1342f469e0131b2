// 8 columns of a token, of `x: array<vec4<f32>>`.
fn inputChunk(token: u32, chunk: u32) -> Chunk {
  let at = (token * p.chunks + chunk) * 2u;
  return Chunk(x[at], x[at + 1u]);
}
