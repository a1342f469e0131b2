// NaN or +infinity, by its bits: compilers may assume that floats are finite.
fn isSpoiled(value: f32) -> bool {
  let bits = bitcast<u32>(value);
  return (bits & 0x7f800000u) == 0x7f800000u && bits != 0xff800000u;
}
