// A head's keys or values [D] in a cache of integers (the interface: cache.f32.wgsl). Keys have codes of eight bits, values the same
// or codes of four. A group of dimensions has a scale and a least value in common; a unit is a group of keys, of up to 32.
// quantized.reference.ts defines the numbers.
// include: half.wgsl
// include: codes.int8.wgsl
// include: codes.int4.wgsl
// include: head.wgsl
alias Stored = u32;
alias Cache = ptr<storage, array<Stored>, read>; // of the kernel's binding
const HEAD_DIM = 64u; // D
const UNIT_QUADS = 8u;
const UNIT_SIZE = 9u; // 1 + UNIT_QUADS
const VALUE_UNIT_SIZE = 9u; // the same, or VALUE_HEADS + UNIT_QUADS / 2
const VALUE_BITS = 8u;

// What some quads have in common.
struct Range { least: f32, most: f32, isFinite: bool }

fn rangeOf(v: array<vec4<f32>, UNIT_QUADS>, first: u32, quads: u32) -> Range {
  var low = v[first];
  var high = v[first];
  var largest = vec4<u32>(0u);
  for (var q = first; q < first + quads; q++) {
    low = min(low, v[q]);
    high = max(high, v[q]);
    largest = max(largest, bitcast<vec4<u32>>(v[q]) & vec4<u32>(0x7fffffffu));
  }
  let least = min(min(low.x, low.y), min(low.z, low.w));
  let most = max(max(high.x, high.y), max(high.z, high.w));
  return Range(least, most, max(max(largest.x, largest.y), max(largest.z, largest.w)) < 0x7f800000u);
}

// Codes 0 … top, as floats. @param scale and least value
fn codeQuad(v: vec4<f32>, scale: vec2<f32>, top: f32) -> vec4<f32> {
  return clamp(round((v - scale.y) / max(scale.x, 1e-30)), vec4<f32>(0.0), vec4<f32>(top));
}

fn decoded(codes: vec4<u32>, scale: vec2<f32>) -> vec4<f32> {
  return vec4<f32>(bitcast<vec4<i32>>(codes)) * scale.x + scale.y;
}

fn isFourBits(part: u32) -> bool { return VALUE_BITS == 4u && part == VALUES; }

fn storedUnit(part: u32, v: array<vec4<f32>, UNIT_QUADS>) -> array<Stored, UNIT_SIZE> {
  if (isFourBits(part)) { return unitOfFourBits(v); }
  return unitOfEightBits(v);
}

fn unitAt(part: u32, head: u32, quad: u32) -> u32 { return head + quad / UNIT_QUADS * unitSize(part); }

// Scale and least value of a quad's group.
fn unitScale(part: u32, cache: Cache, head: u32, quad: u32) -> vec2<f32> {
  let unit = unitAt(part, head, quad);
  if (isFourBits(part)) {
    let group = quad % UNIT_QUADS / 2u;
    return scaleOfFourBits(cache[unit + group / 2u] >> (group % 2u * 16u));
  }
  return unpack2x16float(cache[unit]);
}

fn loadedQuad(part: u32, cache: Cache, head: u32, quad: u32, scale: vec2<f32>) -> vec4<f32> {
  let unit = unitAt(part, head, quad);
  if (isFourBits(part)) { return quadOfFourBits(cache[unit + wordOfFourBits(quad)], quad, scale); }
  return quadOfEightBits(cache[unit + 1u + quad % UNIT_QUADS], scale);
}

fn loadedTexel(part: u32, cache: Cache, head: u32, i: u32, scale: vec2<f32>) -> Texel {
  if (isFourBits(part)) {
    let w = cache[unitAt(part, head, 2u * i) + wordOfFourBits(2u * i)];
    return Texel(quadOfFourBits(w, 0u, scale), quadOfFourBits(w, 1u, scale));
  }
  return Texel(loadedQuad(part, cache, head, 2u * i, scale), loadedQuad(part, cache, head, 2u * i + 1u, scale));
}
