// Where heads lie in a cache, whatever its dtype. After the constants of cache.*.wgsl.
struct Texel { lo: vec4<f32>, hi: vec4<f32> } // eight dimensions

// Which part of a layer: values may be kept in another form than keys. Latents are KEYS.
const KEYS = 0u;
const VALUES = 1u;

const UNITS = HEAD_DIM / (4u * UNIT_QUADS);

fn unitSize(part: u32) -> u32 { return select(UNIT_SIZE, VALUE_UNIT_SIZE, part == VALUES); }

// Where a slot's head begins: `slotHead` counts the heads of all slots.
fn headAt(part: u32, slotHead: u32) -> u32 { return slotHead * UNITS * unitSize(part); }
