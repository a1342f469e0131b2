// 8 columns of integer weights on their way through registers: their codes in two dwords, and their scale and minimum.
struct Packed { codes: vec2<u32>, scaleMin: vec2<f32> }
fn packedAt(at: u32) -> Packed { return Packed(weightBytes(at), scaleMin(at)); }
fn unpacked(packed: Packed) -> Chunk {
  let d = packed.scaleMin;
  return Chunk(codeValues(packed.codes.x) * d.x + d.y, codeValues(packed.codes.y) * d.x + d.y);
}
