// What the formats of integers share: a weight is its code · scale + min, both of the group of columns that it lies in.
const GROUP_CHUNKS = 4u; // chunks of 8 columns that share them

@group(0) @binding(1) var<storage, read> scales: array<u32>; // [rows, groups]: scale and min, f16

fn storedScaleMin(at: u32) -> u32 { return scales[at / GROUP_CHUNKS]; }
fn scaleMin(at: u32) -> vec2<f32> { return unpack2x16float(storedScaleMin(at)); }
