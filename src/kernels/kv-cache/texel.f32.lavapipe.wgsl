// Eight dimensions of a key or value, and as they lie in a cache of f32; attention binds array<StoredTexel>.
// include: stored.wgsl
struct Texel { lo: vec4<f32>, hi: vec4<f32> }
alias StoredTexel = Texel;

fn loadedTexel(t: StoredTexel) -> Texel { return t; }
fn storedTexel(t: Texel) -> StoredTexel { return StoredTexel(stored(t.lo), stored(t.hi)); }
