// Writes texel i of a q8 result, which the kernel binds as `y`.
// include: ../texel.wgsl
fn storeTexel(i: u32, v: vec4<u32>) { textureStore(y, texelPosition(i), v); }
