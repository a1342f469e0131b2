// Eight dimensions of a key or value, and as they lie in a cache of f16; attention binds array<StoredTexel>.
// include: stored.wgsl
struct Texel { lo: vec4<f32>, hi: vec4<f32> }
alias StoredTexel = vec4<u32>;

fn loadedTexel(w: StoredTexel) -> Texel {
  return Texel(vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y)), vec4<f32>(unpack2x16float(w.z), unpack2x16float(w.w)));
}

fn storedTexel(t: Texel) -> StoredTexel {
  return vec4<u32>(bitcast<vec2<u32>>(stored(t.lo)), bitcast<vec2<u32>>(stored(t.hi)));
}
