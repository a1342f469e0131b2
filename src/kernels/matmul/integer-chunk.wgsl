// 8 columns of integer weights out of their codes (weight-codes.*.wgsl), scale and minimum.
// include: chunk.wgsl
// include: scale-min.wgsl
fn weightChunk(at: u32) -> Chunk {
  let q = weightBytes(at);
  let d = scaleMin(at);
  return Chunk(codeValues(q.x) * d.x + d.y, codeValues(q.y) * d.x + d.y);
}
