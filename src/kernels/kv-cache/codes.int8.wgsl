// Codes of eight bits, four in a word; a unit is a group: one word with its scale and minimum as f16, then its codes.
// Included by cache.quantized.wgsl.
fn unitOfEightBits(v: array<vec4<f32>, UNIT_QUADS>) -> array<Stored, UNIT_SIZE> {
  let range = rangeOf(v, 0u, UNIT_QUADS);
  var unit: array<Stored, UNIT_SIZE>;
  // Infinity or NaN among them: all are NaN, so that nobody takes them for numbers.
  let group = halves(vec2<f32>((range.most - range.least) / 255.0, range.least));
  unit[0] = select(0x7e007e00u, group, range.isFinite);
  let scale = unpack2x16float(group);
  for (var q = 0u; q < UNIT_QUADS; q++) {
    let c = vec4<u32>(codeQuad(v[q], scale, 255.0));
    unit[1u + q] = c.x | (c.y << 8u) | (c.z << 16u) | (c.w << 24u);
  }
  return unit;
}

fn quadOfEightBits(w: u32, scale: vec2<f32>) -> vec4<f32> {
  return decoded((vec4<u32>(w) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(0xffu), scale);
}
