// Values with codes of four bits, in groups of eight dimensions. A unit begins with 16 bits for each group, two in a word: nine of
// its scale (an f16 without sign and its last six bits), seven of where zero lies among the codes, in eighths; then a word of codes
// for each group. quantized.reference.ts defines the numbers. Included by cache.quantized.wgsl.
const VALUE_HEADS = (UNIT_QUADS + 3u) / 4u; // words
const NAN_HEAD = 0x1ffu;

fn unitOfFourBits(v: array<vec4<f32>, UNIT_QUADS>) -> array<Stored, UNIT_SIZE> {
  var unit: array<Stored, UNIT_SIZE>;
  for (var g = 0u; g < UNIT_QUADS / 2u; g++) {
    let group = Texel(v[2u * g], v[2u * g + 1u]);
    let head = headOfFourBits(group, rangeOf(v, 2u * g, 2u));
    unit[g / 2u] |= head << (g % 2u * 16u);
    let scale = scaleOfFourBits(head);
    let lo = vec4<u32>(codeQuad(group.lo, scale, 15.0));
    let hi = vec4<u32>(codeQuad(group.hi, scale, 15.0));
    let low = lo.x | (lo.y << 4u) | (lo.z << 8u) | (lo.w << 12u);
    unit[VALUE_HEADS + g] = low | (hi.x << 16u) | (hi.y << 20u) | (hi.z << 24u) | (hi.w << 28u);
  }
  return unit;
}

fn headOfFourBits(x: Texel, range: Range) -> u32 {
  if (!range.isFinite) { return NAN_HEAD; }
  let least = min(range.least, 0.0);
  let most = max(range.most, 0.0);
  let width = (most - least) / 15.0;
  // The line that fits the codes of the whole range best.
  let lo = codeQuad(x.lo, vec2<f32>(width, least), 15.0);
  let hi = codeQuad(x.hi, vec2<f32>(width, least), 15.0);
  let ones = vec4<f32>(1.0);
  let sumC = dot(lo, ones) + dot(hi, ones);
  let sumX = dot(x.lo, ones) + dot(x.hi, ones);
  let over = 8.0 * (dot(lo, x.lo) + dot(hi, x.hi)) - sumC * sumX;
  let under = 8.0 * (dot(lo, lo) + dot(hi, hi)) - sumC * sumC;
  let isFitted = least < 0.0 && most > 0.0;
  let slope = select(width, over / max(under, 1.0), isFitted);
  let kept = clamp((halves(vec2<f32>(slope, 0.0)) + 32u) >> 6u, 1u, 0x1efu);
  let scale = unpack2x16float(kept << 6u).x;
  let zero = select(-8.0 * least / scale, sumC - sumX / scale, isFitted);
  return kept | (u32(clamp(round(zero), 0.0, 127.0)) << 9u);
}

// Scale and least value of a group.
fn scaleOfFourBits(head: u32) -> vec2<f32> {
  let scale = unpack2x16float((head & 0x1ffu) << 6u).x;
  return vec2<f32>(scale, -0.125 * f32((head >> 9u) & 0x7fu) * scale);
}

// Where in its unit a quad's codes are.
fn wordOfFourBits(quad: u32) -> u32 { return VALUE_HEADS + quad % UNIT_QUADS / 2u; }

fn quadOfFourBits(w: u32, quad: u32, scale: vec2<f32>) -> vec4<f32> {
  return decoded((vec4<u32>(w) >> (vec4<u32>(0u, 4u, 8u, 12u) + quad % 2u * 16u)) & vec4<u32>(0xfu), scale);
}
