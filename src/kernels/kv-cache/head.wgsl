// Where heads lie in a cache, whatever its dtype. After the constants of cache.*.wgsl.
struct Texel { lo: vec4<f32>, hi: vec4<f32> } // eight dimensions

const UNITS = HEAD_DIM / (4u * UNIT_QUADS);

// Where a slot's head begins: `slotHead` counts the heads of all slots.
fn headAt(slotHead: u32) -> u32 { return slotHead * UNITS * UNIT_SIZE; }
