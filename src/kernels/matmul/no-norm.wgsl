// x as it is: rms-prologue.wgsl takes its place where the product has a norm in front.
fn prologue(work: Work, thread: u32) {}
fn normed(x: Chunk, t: u32, chunk: u32) -> Chunk { return x; }
