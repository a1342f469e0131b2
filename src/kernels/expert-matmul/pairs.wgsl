// Pairs as they come: a workgroup has one.
@group(0) @binding(5) var<storage, read> routing: array<f32>; // [T, k, 2]: number, weight

// A workgroup's: of one expert, the first of them, and how many.
struct Pairs { expert: u32, first: u32, count: u32 }

fn pairsAt(line: u32) -> Pairs { return Pairs(u32(routing[2u * line]), line, 1u); }
fn pairOf(pairs: Pairs, line: u32) -> u32 { return pairs.first; }
