// A head's keys or values [D] in a cache of integers (the interface: cache.f32.wgsl): a unit is a group of dimensions, one word
// with its scale and minimum as f16, then its codes. quantized.reference.ts defines the numbers.
// include: half.wgsl
// include: codes.int8.wgsl
// include: head.wgsl
alias Stored = u32;
alias Cache = ptr<storage, array<Stored>, read>; // of the kernel's binding
const HEAD_DIM = 64u; // D
const UNIT_QUADS = 8u;
const UNIT_SIZE = 9u; // 1 + 4 · UNIT_QUADS / dimensions in a word

fn storedUnit(v: array<vec4<f32>, UNIT_QUADS>) -> array<Stored, UNIT_SIZE> {
  var low = v[0];
  var high = v[0];
  var largest = vec4<u32>(0u);
  for (var q = 0u; q < UNIT_QUADS; q++) {
    low = min(low, v[q]);
    high = max(high, v[q]);
    largest = max(largest, bitcast<vec4<u32>>(v[q]) & vec4<u32>(0x7fffffffu));
  }
  let least = min(min(low.x, low.y), min(low.z, low.w));
  let most = max(max(high.x, high.y), max(high.z, high.w));
  let worst = max(max(largest.x, largest.y), max(largest.z, largest.w));
  let group = halves(vec2<f32>((most - least) / TOP_CODE, least));
  let scale = unpack2x16float(group);
  var unit: array<Stored, UNIT_SIZE>;
  // Infinity or NaN among them: all are NaN, so that nobody takes them for numbers.
  unit[0] = select(group, 0x7e007e00u, worst >= 0x7f800000u);
  for (var w = 1u; w < UNIT_SIZE; w++) { unit[w] = codesOf(v, w - 1u, scale); }
  return unit;
}

fn codeQuad(v: vec4<f32>, scale: vec2<f32>) -> vec4<u32> {
  return vec4<u32>(clamp(round((v - scale.y) / max(scale.x, 1e-30)), vec4<f32>(0.0), vec4<f32>(TOP_CODE)));
}

fn decoded(codes: vec4<u32>, scale: vec2<f32>) -> vec4<f32> {
  return vec4<f32>(bitcast<vec4<i32>>(codes)) * scale.x + scale.y;
}

fn unitAt(head: u32, quad: u32) -> u32 { return head + quad / UNIT_QUADS * UNIT_SIZE; }

// Scale and minimum of a quad's group.
fn unitScale(cache: Cache, head: u32, quad: u32) -> vec2<f32> { return unpack2x16float(cache[unitAt(head, quad)]); }
