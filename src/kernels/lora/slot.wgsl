// What an adapter's slot says of a part of its layer (lora-layout.ts).
const NO_ADAPTER = 0xffffffffu;

struct LoraPart { groups: u32, scale: f32, a: u32, b: u32 } // of 8 ranks; texels where A and B begin

fn loraPart(entry: vec4<u32>) -> LoraPart { return LoraPart(entry.x, bitcast<f32>(entry.y), entry.z, entry.w); }

// h of a rank, from A's sum.
fn scaledRank(part: LoraPart, sum: f32) -> f32 { return part.scale * sum; }
