// A head's keys or values [D] in a cache of f32. The interface of all cache.*.wgsl, which cache-format.ts sets the constants of:
// a head is D / (4 · UNIT_QUADS) units, one behind the other; a unit is UNIT_QUADS quads (of four dimensions), `unitSize` elements
// of Stored: UNIT_SIZE of keys, VALUE_UNIT_SIZE ≤ UNIT_SIZE of values. The kernel binds array<Stored>. `part` is KEYS or VALUES.
// include: head.wgsl
alias Stored = vec4<f32>;
alias Cache = ptr<storage, array<Stored>, read>; // of the kernel's binding
const HEAD_DIM = 64u; // D
const UNIT_QUADS = 1u;
const UNIT_SIZE = 1u;
const VALUE_UNIT_SIZE = 1u;

fn storedUnit(part: u32, v: array<vec4<f32>, UNIT_QUADS>) -> array<Stored, UNIT_SIZE> { return v; }

// What all dimensions of a unit have in common; floats have nothing. `head` is where the head begins.
fn unitScale(part: u32, cache: Cache, head: u32, quad: u32) -> vec2<f32> { return vec2<f32>(1.0, 0.0); }

fn loadedQuad(part: u32, cache: Cache, head: u32, quad: u32, scale: vec2<f32>) -> vec4<f32> { return cache[head + quad]; }

// Quads 2i and 2i + 1.
fn loadedTexel(part: u32, cache: Cache, head: u32, i: u32, scale: vec2<f32>) -> Texel {
  return Texel(cache[head + 2u * i], cache[head + 2u * i + 1u]);
}
