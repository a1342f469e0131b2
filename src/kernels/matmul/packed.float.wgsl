// 8 columns of float weights on their way through registers: as they are stored.
alias Packed = Stored;
fn packedAt(at: u32) -> Packed { return storedAt(at); }
fn unpacked(packed: Packed) -> Chunk { return chunkOf(packed); }
