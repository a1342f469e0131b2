// 8 columns of integer weights on their way through registers: their codes in two dwords, and their scale and minimum.
struct Packed { codes: vec2<u32>, scaleMin: vec2<f32> }
fn packedAt(at: u32) -> Packed { return Packed(weightBytes(at), scaleMin(at)); }
fn unpacked(packed: Packed) -> Chunk {
  let a = vec4<f32>(unpack4xI8(packed.codes.x) + CODE_OFFSET);
  let b = vec4<f32>(unpack4xI8(packed.codes.y) + CODE_OFFSET);
  return Chunk(a * packed.scaleMin.x + packed.scaleMin.y, b * packed.scaleMin.x + packed.scaleMin.y);
}
