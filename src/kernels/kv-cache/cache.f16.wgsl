// A head's keys or values [D] in a cache of f16 (the interface: cache.f32.wgsl), four in two words: adapters without shader-f16
// have it too.
// include: half.wgsl
// include: head.wgsl
alias Stored = vec2<u32>;
alias Cache = ptr<storage, array<Stored>, read>; // of the kernel's binding
const HEAD_DIM = 64u; // D
const UNIT_QUADS = 1u;
const UNIT_SIZE = 1u;
const VALUE_UNIT_SIZE = 1u;

fn storedUnit(part: u32, v: array<vec4<f32>, UNIT_QUADS>) -> array<Stored, UNIT_SIZE> {
  return array<Stored, UNIT_SIZE>(vec2<u32>(halves(v[0].xy), halves(v[0].zw)));
}

fn unitScale(part: u32, cache: Cache, head: u32, quad: u32) -> vec2<f32> { return vec2<f32>(1.0, 0.0); }

fn loadedQuad(part: u32, cache: Cache, head: u32, quad: u32, scale: vec2<f32>) -> vec4<f32> {
  let w = cache[head + quad];
  return vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y));
}

fn loadedTexel(part: u32, cache: Cache, head: u32, i: u32, scale: vec2<f32>) -> Texel {
  return Texel(loadedQuad(part, cache, head, 2u * i, scale), loadedQuad(part, cache, head, 2u * i + 1u, scale));
}
