// Codes of eight bits, four in a word. Included by cache.quantized.wgsl.
const TOP_CODE = 255.0;

fn codesOf(v: array<vec4<f32>, UNIT_QUADS>, word: u32, scale: vec2<f32>) -> u32 {
  let c = codeQuad(v[word], scale);
  return c.x | (c.y << 8u) | (c.z << 16u) | (c.w << 24u);
}

fn loadedQuad(cache: Cache, head: u32, quad: u32, scale: vec2<f32>) -> vec4<f32> {
  let w = cache[unitAt(head, quad) + 1u + quad % UNIT_QUADS];
  return decoded((vec4<u32>(w) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(0xffu), scale);
}

fn loadedTexel(cache: Cache, head: u32, i: u32, scale: vec2<f32>) -> Texel {
  return Texel(loadedQuad(cache, head, 2u * i, scale), loadedQuad(cache, head, 2u * i + 1u, scale));
}
