// 8 columns of float weights on their way through registers: decoded, since nothing is smaller.
alias Packed = Chunk;
fn packedAt(at: u32) -> Packed { return weightChunk(at); }
fn unpacked(packed: Packed) -> Chunk { return packed; }
