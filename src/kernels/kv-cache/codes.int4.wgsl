// Codes of four bits, eight in a word. Included by cache.quantized.wgsl.
const TOP_CODE = 15.0;

fn codesOf(v: array<vec4<f32>, UNIT_QUADS>, word: u32, scale: vec2<f32>) -> u32 {
  let lo = codeQuad(v[2u * word], scale);
  let hi = codeQuad(v[2u * word + 1u], scale);
  return lo.x | (lo.y << 4u) | (lo.z << 8u) | (lo.w << 12u) | (hi.x << 16u) | (hi.y << 20u) | (hi.z << 24u) | (hi.w << 28u);
}

fn fourCodes(w: u32, shift: u32, scale: vec2<f32>) -> vec4<f32> {
  return decoded((vec4<u32>(w) >> (vec4<u32>(0u, 4u, 8u, 12u) + shift)) & vec4<u32>(0xfu), scale);
}

fn loadedQuad(cache: Cache, head: u32, quad: u32, scale: vec2<f32>) -> vec4<f32> {
  return fourCodes(cache[unitAt(head, quad) + 1u + quad % UNIT_QUADS / 2u], quad % 2u * 16u, scale);
}

fn loadedTexel(cache: Cache, head: u32, i: u32, scale: vec2<f32>) -> Texel {
  let w = cache[unitAt(head, 2u * i) + 1u + i % (UNIT_QUADS / 2u)];
  return Texel(fourCodes(w, 0u, scale), fourCodes(w, 16u, scale));
}
