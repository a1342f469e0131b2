// Which rows of a linear layer's output belong to which of its stacked parts, and where an adapter's weights for them lie.
// Needs p.rows0, p.rows1, p.rows2 and p.parts.
const NO_ADAPTER = 0xffffffffu;

struct LoraPart { groups: u32, scale: f32, a: u32, b: u32 } // of 8 ranks; texels where A and B begin (lora-layout.ts)

fn loraPart(entry: vec4<u32>) -> LoraPart { return LoraPart(entry.x, bitcast<f32>(entry.y), entry.z, entry.w); }

fn rowsOfPart(part: u32) -> u32 { return select(select(p.rows2, p.rows1, part == 1u), p.rows0, part == 0u); }

fn rowsInAll() -> u32 { return p.rows0 + p.rows1 + p.rows2; }
