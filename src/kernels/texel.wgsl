// Where texel i lies in a texture whose texels are counted row by row, TEXTURE_WIDTH (gpu/texture-pool.ts) to a row.
fn texelPosition(i: u32) -> vec2<u32> { return vec2<u32>(i & 1023u, i >> 10u); }
